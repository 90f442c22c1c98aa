"""The learning rate of the Transformer."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_seq")
class NoamSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The schedule of Vaswani et al. (2017), "Attention Is All You Need".

        rate = scale * size^-0.5 * min(n^-0.5, n * warmup_steps^-1.5)

    with n = 1 in the first step: it rises for `warmup_steps` steps, then falls with the square root of n. Other
    schedules are Keras' own: `keras.optimizers.schedules.CosineDecay` has a warm-up too, and
    `keras.callbacks.ReduceLROnPlateau` waits for a plateau.

    Args:
        size: Size of the model, that of its embeddings.
        warmup_steps: Number of steps in which the rate rises. Defaults to `4000`.
        scale: Factor. Defaults to `1.0`.

    Call arguments:
        step: Scalar integer tensor, the number of steps that were taken.

    Example:

    >>> optimizer = keras.optimizers.Adam(keras_seq.training.NoamSchedule(512), beta_2=0.98, epsilon=1e-9)
    """

    def __init__(self, size, warmup_steps=4000, scale=1.0):
        for name, value in (("size", size), ("warmup_steps", warmup_steps)):
            if value <= 0:
                raise ValueError(f"Argument `{name}` must be positive. Received: {name}={value}")
        self.size = size
        self.warmup_steps = warmup_steps
        self.scale = scale

    def __call__(self, step):
        """The learning rate of a step."""
        n = ops.cast(step, "float32") + 1
        return self.scale * self.size**-0.5 * ops.minimum(ops.rsqrt(n), n * self.warmup_steps**-1.5)

    def get_config(self):
        """Return the arguments that build this schedule again."""
        return {"size": self.size, "warmup_steps": self.warmup_steps, "scale": self.scale}
