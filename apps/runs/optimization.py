"""From the options of a training to the Keras optimizer."""

import math
from collections.abc import Callable
from typing import Any

import keras

from apps.runs.training_config import TrainingConfig


@keras.saving.register_keras_serializable(package="keras_seq")
class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise from 0, then a constant, a fall along half a cosine, or a linear fall.

    Args:
        peak: The learning rate after the rise.
        steps: Steps of the whole training.
        warmup_steps: Steps of the rise.
        shape: `constant`, `cosine` or `linear`.
        final: The learning rate at the end of a fall.
    """

    def __init__(self, peak: float, steps: int, warmup_steps: int, shape: str, final: float = 0.0) -> None:
        self.peak = peak
        self.steps = steps
        self.warmup_steps = warmup_steps
        self.shape = shape
        self.final = final

    def __call__(self, step: Any) -> Any:
        """The learning rate of the step after `step` steps."""
        ops = keras.ops
        count = ops.cast(step, "float32")
        done = ops.clip((count - self.warmup_steps) / max(1, self.steps - self.warmup_steps), 0.0, 1.0)
        rise = (count + 1.0) / max(1, self.warmup_steps)
        return ops.where(count < self.warmup_steps, self.peak * rise, self.after(done))

    def after(self, done: Any) -> Any:
        """The learning rate when the share `done` of the time after the warm-up is over."""
        ops = keras.ops
        if self.shape == "cosine":
            share = 0.5 * (1.0 + ops.cos(math.pi * done))
        elif self.shape == "linear":
            share = 1.0 - done
        else:
            share = ops.ones_like(done)
        return self.final + (self.peak - self.final) * share

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
            "shape": self.shape,
            "final": self.final,
        }


@keras.saving.register_keras_serializable(package="keras_seq")
class TimedSchedule(WarmupSchedule):
    """The same over the time that a training was given, whose share that is spent stands in the variable `spent`.

    Args:
        peak: The learning rate after the rise.
        warmup: Share of the time in which it rises.
        shape: `constant`, `cosine` or `linear`.
        final: The learning rate at the end of a fall.
    """

    def __init__(self, peak: float, warmup: float, shape: str, final: float = 0.0) -> None:
        super().__init__(peak, 0, 0, shape, final)
        self.warmup = warmup
        self.spent = keras.Variable(0.0, trainable=False, dtype="float32", name="spent")

    def __call__(self, step: Any) -> Any:
        """The learning rate now, whatever the number of steps."""
        ops = keras.ops
        spent = ops.convert_to_tensor(self.spent)
        done = ops.clip((spent - self.warmup) / max(1e-6, 1.0 - self.warmup), 0.0, 1.0)
        rise = ops.maximum(spent, 1e-3 * self.warmup) / max(1e-6, self.warmup)
        return ops.where(spent < self.warmup, self.peak * rise, self.after(done))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"peak": self.peak, "warmup": self.warmup, "shape": self.shape, "final": self.final}


def build_optimizer(config: TrainingConfig, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer that `config` describes.

    Args:
        config: The options.
        steps: Steps of the whole training, which the schedule is stretched over.
    """
    rate: Any = config.learning_rate
    warmup_steps = round(config.warmup * steps)
    if config.minutes is not None and (config.schedule != "constant" or config.warmup):
        final = config.learning_rate * config.final_learning_rate
        rate = TimedSchedule(config.learning_rate, config.warmup, config.schedule, final)
    elif config.schedule != "constant" or warmup_steps:
        final = config.learning_rate * config.final_learning_rate
        rate = WarmupSchedule(config.learning_rate, steps, warmup_steps, config.schedule, final)
    options: dict[str, Any] = {"learning_rate": rate, "global_clipnorm": config.clip_norm}
    if config.weight_decay:
        options["weight_decay"] = config.weight_decay
    optimizer = _OPTIMIZERS[config.optimizer](config, options)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def _adam(config: TrainingConfig, options: dict[str, Any]) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(beta_1=config.beta_1, beta_2=config.beta_2, epsilon=config.epsilon, **options)


def _muon(config: TrainingConfig, options: dict[str, Any]) -> keras.optimizers.Optimizer:
    decay = options.setdefault("weight_decay", None)  # Keras' own is not 0
    return keras.optimizers.Muon(
        adam_beta_1=config.beta_1,
        adam_beta_2=config.beta_2,
        adam_weight_decay=decay,
        epsilon=config.epsilon,
        momentum=config.momentum,
        adam_lr_ratio=config.adam_rate,
        # The rows of these are vectors of words or classes, and a GRU has two rows of biases.
        exclude_layers=["embedding", "(^|/)head/", "bias"],
        **options,
    )


_OPTIMIZERS: dict[str, Callable[[TrainingConfig, dict[str, Any]], keras.optimizers.Optimizer]] = {
    "adam": _adam,
    "muon": _muon,
    "sgd": lambda config, options: keras.optimizers.SGD(momentum=config.momentum, **options),
    "rmsprop": lambda config, options: keras.optimizers.RMSprop(momentum=config.momentum, **options),
}
