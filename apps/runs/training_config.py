"""Options of a training, the same for every task. Imports no TensorFlow, so that help is quick."""

from dataclasses import dataclass
from typing import Literal

from apps.errors import UsageError


@dataclass(frozen=True)
class TrainingConfig:
    """How the model is trained.

    Attributes:
        epochs: Passes over the training data. At least 1.
        minutes: Train for this long instead, validation included, with the schedule stretched over that time; such a
            training depends on the speed of the machine. Above 0. Left out, `epochs` decide.
        min_steps: Small data get more epochs, so that there are at least this many steps. From 0.
        optimizer: The rule that turns gradients into steps; `adam` with `weight_decay` is AdamW. `muon` (Jordan et al.
            2024) makes the steps of matrices orthogonal, with `momentum` 0.95, and leaves biases, embeddings and the
            output layer to Adam: fewer steps to the same loss.
        learning_rate: Size of the steps at the peak of the schedule. Above 0.
        schedule: The learning rate after the warm-up: `constant`, or falling to `final_learning_rate` along half a
            `cosine` or a straight line (`linear`).
        warmup: Share of all steps in which the learning rate rises linearly from 0. From 0 to 1.
        final_learning_rate: Where `cosine` and `linear` end, as a share of `learning_rate`. From 0 to 1.
        adam_rate: With `muon`, the learning rate of what is left to Adam, as a share of `learning_rate`. Above 0.
        momentum: Momentum of `muon`, `sgd` and `rmsprop`. From 0 to below 1.
        beta_1: Decay of Adam's average of gradients. From 0 to below 1.
        beta_2: Decay of Adam's average of squared gradients. From 0 to below 1.
        epsilon: What Adam adds to the root of that average; a larger one spares rare words large steps. Above 0.
        weight_decay: Decoupled decay of the matrices (not of biases) per step, times the learning rate. From 0.
        layer_rate: The steps of each layer are so many times those of the layer above it, for models that start from
            another one. From above 0 to 1.
        unfreeze_epochs: Let the layers begin to learn one after the other, from the top to the bottom, so many epochs
            apart. From 0: all at once.
        clip_norm: Gradients longer than this, all together, are scaled down to it. Left out, they are not clipped.
        label_smoothing: Share of the target probability that is spread over all classes. From 0 to below 1.
        average_decay: Decay of an exponential moving average of the weights, which is then what is evaluated and
            exported; early steps use a smaller decay. 0 does without.
        monitor: The validation figure by which epochs are compared; not every task has each.
        patience: Stop after this many epochs without a better one. Left out, all epochs are run.
        shards: Compute each batch in so many parts, each on a core of its own, and add up their gradients: with a
            small model on as many cores faster than to share the cores within each operation. At least 1.
        precision: `mixed_bfloat16` computes in bfloat16 and keeps the weights in float32.
        seed: Fixes initial weights, dropout and data order, and the splits unless `data.split_seed` is given.
        deterministic: Use only operations that give the same numbers each time. A resumed run equals an uninterrupted
            one bit by bit only with it.
        checkpoint_seconds: Write a checkpoint at least this often, besides one after every epoch. 0: after every step.
        tensorboard: Write event files for TensorBoard.
    """

    epochs: int = 5
    minutes: float | None = None
    min_steps: int = 200
    optimizer: Literal["adam", "muon", "sgd", "rmsprop"] = "adam"
    learning_rate: float = 2e-3
    schedule: Literal["constant", "cosine", "linear"] = "cosine"
    warmup: float = 0.1
    final_learning_rate: float = 0.01
    adam_rate: float = 1.0
    momentum: float = 0.9
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    weight_decay: float = 0.0
    layer_rate: float = 1.0
    unfreeze_epochs: int = 0
    clip_norm: float | None = 1.0
    label_smoothing: float = 0.0
    average_decay: float = 0.998
    monitor: Literal["accuracy", "loss", "bleu"] = "accuracy"
    patience: int | None = None
    shards: int = 1
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    seed: int = 1
    deterministic: bool = True
    checkpoint_seconds: float = 60.0
    tensorboard: bool = True

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.epochs >= 1, "training.epochs", "at least 1", self.epochs)
        require(self.minutes is None or self.minutes > 0, "training.minutes", "above 0", self.minutes)
        require(self.min_steps >= 0, "training.min_steps", "at least 0", self.min_steps)
        require(0 < self.learning_rate < float("inf"), "training.learning_rate", "above 0", self.learning_rate)
        for name in ("warmup", "final_learning_rate"):
            require(0 <= getattr(self, name) <= 1, f"training.{name}", "from 0 to 1", getattr(self, name))
        for name in ("momentum", "beta_1", "beta_2", "label_smoothing", "average_decay"):
            require(0 <= getattr(self, name) < 1, f"training.{name}", "from 0 to below 1", getattr(self, name))
        require(0 < self.layer_rate <= 1, "training.layer_rate", "above 0 and at most 1", self.layer_rate)
        require(self.unfreeze_epochs >= 0, "training.unfreeze_epochs", "at least 0", self.unfreeze_epochs)
        require(0 < self.adam_rate < float("inf"), "training.adam_rate", "above 0", self.adam_rate)
        require(self.shards >= 1, "training.shards", "at least 1", self.shards)
        require(self.epsilon > 0, "training.epsilon", "above 0", self.epsilon)
        require(self.weight_decay >= 0, "training.weight_decay", "at least 0", self.weight_decay)
        require(self.clip_norm is None or self.clip_norm > 0, "training.clip_norm", "above 0", self.clip_norm)
        require(self.patience is None or self.patience >= 1, "training.patience", "at least 1", self.patience)
        require(0 <= self.seed < 2**31, "training.seed", "from 0 to 2147483647", self.seed)
        require(self.checkpoint_seconds >= 0, "training.checkpoint_seconds", "at least 0", self.checkpoint_seconds)


def require(condition: bool, option: str, expected: str, received: object) -> None:
    """Raise a `UsageError` that says what `option` must be, unless `condition` holds."""
    if not condition:
        raise UsageError(f"{option} must be {expected}. Received: {received}")
