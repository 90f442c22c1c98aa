"""A learning rate that falls with the square root of the steps."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_seq")
class InverseSquareRootSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up, then a fall with the inverse square root of the number of steps.

        rate = learning_rate * min(n / warmup_steps, sqrt(warmup_steps / n))

    with n = 1 in the first step: the schedule of Vaswani et al. (2017), by its largest rate.

    Args:
        learning_rate: The largest rate, that of step `warmup_steps`.
        warmup_steps: Number of steps in which the rate rises. Defaults to `4000`.

    Call arguments:
        step: Scalar integer tensor, the number of steps that were taken.
    """

    def __init__(self, learning_rate, warmup_steps=4000):
        if warmup_steps <= 0:
            raise ValueError(f"Argument `warmup_steps` must be positive. Received: warmup_steps={warmup_steps}")
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        """The learning rate of a step."""
        share = (ops.cast(step, "float32") + 1) / self.warmup_steps
        return self.learning_rate * ops.minimum(share, ops.rsqrt(share))

    def get_config(self):
        """Return the arguments that build this schedule again."""
        return {"learning_rate": self.learning_rate, "warmup_steps": self.warmup_steps}
