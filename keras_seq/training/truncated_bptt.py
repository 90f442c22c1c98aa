"""Truncated backpropagation through time over contiguous streams."""

import keras
from keras import ops
from keras.tree import flatten, map_structure, pack_sequence_as

from keras_seq.training.carried_state import CarriedState, carried_state


@keras.saving.register_keras_serializable(package="keras_seq")
class TruncatedBPTT(keras.Model):
    """Train a recurrent model on streams, window by window (Williams and Peng 1990).

    A stream is a sequence too long to be one example: a text of a million characters, a signal that never ends. Each
    row of a batch is a window of one stream, and row `i` of a batch goes on where row `i` of the batch before it ended:

        outputs, state = model(window, initial_state=state before)
        state before   = the state that the last window ended with, as a constant

    So the state remembers all of the stream, while the gradient sees one window: the loss of a window is not
    differentiated with respect to the windows before. A window that covers the whole sequence gives full
    backpropagation through time.

    `fit` carries the state from batch to batch, and starts every epoch anew. Batches may be of any size and windows of
    any length: rows beyond those of the batch before start anew, and those that a smaller batch lacks are forgotten.
    `evaluate` and `predict` read their streams in the same way, from a state of their own. `call` itself keeps nothing:
    there, the state is a value that goes in and comes out.

    `fit` needs TensorFlow or PyTorch. On TensorFlow it runs without XLA, which would compile every size anew.

    Args:
        model: Layer or model that is called as `model(inputs, initial_state=state)` and returns its outputs and the
            final state, as a tuple; `get_initial_state(batch_size)` gives the first state, any nest of tensors with the
            batch first. `SequenceTagger` and `Recurrent` are such models, with `return_state=True` of the recurrent
            layer and `return_sequences=True`.

    Call arguments:
        inputs: Tensor `[batch, window, ...]`, or a tuple of it and of `reset`: a boolean tensor `[batch]`, true where a
            document begins with the window, or `[batch, window]`, true at the first step of every document. The
            second is handed to the model as `reset`.
        state: Optional state that the rows go on from. Defaults to the model's initial state.
        training: Whether the model runs in training mode.

    Output shape:
        A tuple of the model's outputs and its final state. `fit` and `evaluate` compare the outputs with the targets;
        `predict` returns them.

    Example:

    >>> encoder = keras_seq.Recurrent(keras_seq.LSTMCell(64), return_sequences=True, return_state=True)
    >>> model = keras_seq.TruncatedBPTT(keras_seq.SequenceTagger(256, classes=256, encoder=encoder))
    >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> text = np.random.randint(1, 256, 32 * 1000 + 1)
    >>> streams, targets = text[:-1].reshape(32, 1000), text[1:].reshape(32, 1000)  # 32 streams of 1,000 characters
    >>> windows = [(streams[:, i : i + 50], targets[:, i : i + 50]) for i in range(0, 1000, 50)]
    >>> history = model.fit(tf.data.Dataset.from_generator(lambda: windows, output_signature=(
    ...     tf.TensorSpec([None, None], "int64"), tf.TensorSpec([None, None], "int64"))), epochs=2)
    """

    def __init__(self, model, **kwargs):
        super().__init__(**kwargs)
        for method in ("get_initial_state", "call"):
            if not hasattr(model, method):
                raise ValueError(f"Argument `model` must have a method `{method}`. Received: model={model!r}")
        self.model = model
        self.supports_jit = keras.backend.backend() != "tensorflow"
        self._carried: dict[bool, CarriedState] = {}  # while training, and otherwise

    def build(self, inputs_shape):
        """Build the model for inputs `[batch, window, ...]`."""
        nested = inputs_shape and isinstance(inputs_shape[0], (tuple, list))
        if not self.model.built:
            self.model.build(tuple(inputs_shape[0] if nested else inputs_shape))
        self.built = True

    def call(self, inputs, state=None, training=False):
        """Read one window; return its outputs and the state after it."""
        inputs, reset = inputs if isinstance(inputs, (tuple, list)) else (inputs, None)
        initial = self.model.get_initial_state(ops.shape(inputs)[0])
        state = initial if state is None else state
        options = {}
        if reset is not None and len(reset.shape) == 1:
            state = map_structure(lambda new, old: _where(reset, new, old), initial, state)
        elif reset is not None:
            options["reset"] = reset
        outputs, *after = self.model(inputs, initial_state=state, training=training, **options)
        return outputs, pack_sequence_as(initial, flatten(after))

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, **options):
        """Train on batches in their own order, each epoch from the first state; otherwise as `keras.Model.fit`."""
        if keras.backend.backend() not in ("tensorflow", "torch"):
            raise NotImplementedError(
                "`TruncatedBPTT.fit` needs TensorFlow or PyTorch; elsewhere, call the model with `state=...` in a "
                f"training step of your own. Received: backend={keras.backend.backend()!r}"
            )
        start = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: self.forget(training=True))
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(start)
        else:
            callbacks = [*([] if callbacks is None else flatten(callbacks)), start]
        options.setdefault("shuffle", False)
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, **options)

    def evaluate(self, *arguments, **options):
        """Measure loss and metrics from the first state on; otherwise as `keras.Model.evaluate`."""
        self.forget(training=False)
        return super().evaluate(*arguments, **options)

    def predict(self, *arguments, **options):
        """Return the outputs of all windows from the first state on; otherwise as `keras.Model.predict`."""
        self.forget(training=False)
        return super().predict(*arguments, **options)

    def forget(self, training):
        """Let the next batch start anew, of `fit` or, with `training=False`, of `evaluate` and `predict`."""
        if training in self._carried:
            self._carried[training].forget()

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss of the outputs; `y_pred` is what `call` returns."""
        return super().compute_loss(x, y, y_pred[0], sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """The metrics of the outputs; `y_pred` is what `call` returns."""
        return super().compute_metrics(x, y, y_pred[0], sample_weight)

    def train_step(self, data):
        """One window of each stream: forward, backward, update of the weights; the state is kept for the next."""
        inputs, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(data)

        def forward():
            results = self._continue(inputs, training=True)
            return self.compute_loss(inputs, targets, results, sample_weight), results

        if keras.backend.backend() == "tensorflow":
            from keras_seq.training.minimise_tensorflow import minimise
        else:
            from keras_seq.training.minimise_torch import minimise
        loss, results = minimise(self, forward)
        return self._finish(inputs, targets, results, loss, sample_weight, training=True)

    def test_step(self, data):
        """One window of each stream, forward only."""
        inputs, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        results = self._continue(inputs, training=False)
        loss = self.compute_loss(inputs, targets, results, sample_weight, training=False)
        return self._finish(inputs, targets, results, loss, sample_weight, training=False)

    def predict_step(self, data):
        """The outputs of one window of each stream."""
        inputs, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        outputs, state = self._continue(inputs, training=False)
        self._carried[False].keep(state)
        return outputs

    def make_train_function(self, force=False):
        """As in `keras.Model`; the variables of the carried state are made before any graph is."""
        self._carry(training=True)
        return super().make_train_function(force)

    def make_test_function(self, force=False):
        """As in `keras.Model`; the variables of the carried state are made before any graph is."""
        self._carry(training=False)
        return super().make_test_function(force)

    def make_predict_function(self, force=False):
        """As in `keras.Model`; the variables of the carried state are made before any graph is."""
        self._carry(training=False)
        return super().make_predict_function(force)

    def _carry(self, training):
        if training not in self._carried:
            self._carried[training] = carried_state(self.model.get_initial_state(1))

    def _continue(self, inputs, training):
        """Read a window from the state that the last one ended with."""
        first = flatten(inputs)[0]
        initial = self.model.get_initial_state(ops.shape(first)[0])
        return self(inputs, state=self._carried[training].go_on(initial), training=training)

    def _finish(self, inputs, targets, results, loss, sample_weight, training):
        self._carried[training].keep(map_structure(ops.stop_gradient, results[1]))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=ops.shape(flatten(inputs)[0])[0])
        return self.compute_metrics(inputs, targets, results, sample_weight)

    def get_config(self):
        """Return the arguments that build this model again."""
        return {**super().get_config(), "model": keras.saving.serialize_keras_object(self.model)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model that `get_config` describes."""
        config = dict(config)
        config["model"] = keras.saving.deserialize_keras_object(config["model"], custom_objects=custom_objects)
        return cls(**config)


def _where(mask, new, old):
    """Choose by a mask `[batch]` between two tensors `[batch, ...]`."""
    return ops.where(ops.reshape(mask, (-1,) + (1,) * (len(new.shape) - 1)), new, old)
