"""Logging of gradient norms, and of how much the optimizer clips."""

import math

import keras
from keras import ops


class GradientMonitor(keras.callbacks.Callback):
    """Log the norm of the gradient and what share of it is clipped, epoch by epoch.

    Clipping itself is the optimizer's: `clipvalue` bounds every component, `clipnorm` the norm of each weight's
    gradient, `global_clipnorm` the norm of all gradients together (Pascanu et al. 2013, "On the difficulty of training
    recurrent neural networks"), which keeps the direction. A recurrent network whose gradient explodes needs one of
    them; the logs say where to put the threshold, and whether it is ever reached. At the end of an epoch the logs, and
    so the history, have

    - `gradient_norm`: the mean over the steps of the norm of all gradients together, before it is clipped;
    - `gradient_norm_max`: the largest of them;
    - `gradient_clipped`, if the optimizer clips: the share of the steps that `global_clipnorm` has shortened, of the
      weights' gradients that `clipnorm` has, or of the components that `clipvalue` has.

    It watches the gradients that the optimizer is given, so `fit` may have any training step, and measures them as the
    optimizer does (on TensorFlow, a word that is several times in a batch has several gradients). With gradients that
    are accumulated over steps, the norms are those of the single steps. TensorFlow and PyTorch only.

    Args:
        prefix: What the names in the logs start with. Defaults to `"gradient"`.

    Example:

    >>> model.compile(keras.optimizers.Adam(global_clipnorm=1.0), loss)
    >>> history = model.fit(x, y, callbacks=[keras_seq.GradientMonitor()])
    >>> history.history["gradient_clipped"]
    [0.12]
    """

    def __init__(self, prefix="gradient"):
        super().__init__()
        self.prefix = prefix
        self._optimizer = None

    def on_train_begin(self, logs=None):
        """Watch the optimizer from now on."""
        if keras.backend.backend() not in ("tensorflow", "torch"):
            raise NotImplementedError(
                f"`GradientMonitor` needs TensorFlow or PyTorch. Received: backend={keras.backend.backend()!r}"
            )
        self._optimizer = self.model.optimizer
        while hasattr(self._optimizer, "inner_optimizer"):  # loss scaling: the gradients are unscaled inside of it
            self._optimizer = self._optimizer.inner_optimizer
        weights = self.model.trainable_weights
        parts = {"clipvalue": sum(math.prod(weight.shape) for weight in weights), "clipnorm": len(weights)}
        self._parts = parts.get(self._clipping()[0], 1)  # of which a step may have clipped some
        self._steps, self._sum, self._largest, self._clipped = (
            keras.Variable(0.0, dtype="float32", trainable=False, name=name)
            for name in ("steps", "sum", "largest", "clipped")
        )
        original = type(self._optimizer).apply

        def apply(gradients, trainable_variables=None):
            self._watch(gradients)
            return original(self._optimizer, gradients, trainable_variables)

        self._optimizer.apply = apply
        self.model.make_train_function(force=True)  # one that was traced before would not see it

    def on_train_end(self, logs=None):
        """Leave the optimizer as it was."""
        if self._optimizer is not None:
            del self._optimizer.apply
            self._optimizer = None
            self.model.train_function = None

    def on_epoch_begin(self, epoch, logs=None):
        """Begin a new mean."""
        for variable in (self._steps, self._sum, self._largest, self._clipped):
            variable.assign(0.0)

    def on_epoch_end(self, epoch, logs=None):
        """Add the figures of the epoch to the logs."""
        steps, total, largest, clipped = (
            float(ops.convert_to_numpy(variable)) for variable in (self._steps, self._sum, self._largest, self._clipped)
        )
        if logs is None or not steps:
            return
        logs |= {f"{self.prefix}_norm": total / steps, f"{self.prefix}_norm_max": largest}
        if self._clipping()[0]:
            logs[f"{self.prefix}_clipped"] = clipped / (steps * self._parts)

    def _clipping(self):
        """Which way the optimizer clips, in the order in which it asks, and its threshold; or None and zero."""
        for name in ("clipnorm", "global_clipnorm", "clipvalue"):
            threshold = getattr(self._optimizer, name, None)
            if threshold:
                return name, float(threshold)
        return None, 0.0

    def _watch(self, gradients):
        """Add the gradients of one step to the sums."""
        scale = getattr(self._optimizer, "loss_scale_factor", None) or 1.0
        gradients = [ops.cast(components(one), "float32") / scale for one in gradients if one is not None]
        squares = ops.stack([ops.sum(ops.square(gradient)) for gradient in gradients])
        norm = ops.sqrt(ops.sum(squares))
        kind, threshold = self._clipping()
        if kind == "clipvalue":
            over = [ops.sum(ops.cast(ops.abs(gradient) > threshold, "float32")) for gradient in gradients]
            clipped = ops.sum(ops.stack(over))
        else:
            norms = ops.sqrt(squares) if kind == "clipnorm" else ops.reshape(norm, (1,))
            clipped = ops.sum(ops.cast(norms > threshold, "float32"))
        self._steps.assign_add(1.0)
        self._sum.assign_add(norm)
        self._largest.assign(ops.maximum(self._largest, norm))
        self._clipped.assign_add(clipped)


def components(gradient):
    """All components of a gradient as one tensor; on TensorFlow, that of an embedding has only some rows."""
    return gradient.values if type(gradient).__name__ == "IndexedSlices" else gradient
