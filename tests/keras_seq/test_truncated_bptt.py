"""Truncated backpropagation through time, with fake models that count and with real ones."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.skipif(BACKEND == "jax", reason="`fit` carries no state on JAX")
RNG = np.random.default_rng(11)
STREAMS = RNG.normal(size=(3, 8, 2)).astype("float32")
TARGETS = RNG.normal(size=(3, 8, 1)).astype("float32")


@keras.saving.register_keras_serializable(package="tests")
class CountingModel(keras.layers.Layer):
    """Counts the steps of each row from 10 on, in a state that is a nest; outputs `[batch, window, 1]`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        self.built = True

    def get_initial_state(self, batch_size):
        return {"count": [ops.full((batch_size, 1), 10.0)], "windows": ops.zeros((batch_size,), dtype="int32")}

    def call(self, inputs, initial_state, training=False):
        count = initial_state["count"][0][:, None] + 1.0 + ops.arange(ops.shape(inputs)[1], dtype="float32")[:, None]
        state = {"count": [count[:, -1]], "windows": initial_state["windows"] + 1}
        return count * self.scale, state


def counting():
    model = keras_seq.TruncatedBPTT(CountingModel())
    model.compile(keras.optimizers.SGD(0.0), "mse")
    return model


def predictions(model, batches):
    """What the model puts out for one batch after the other, as `predict` would without joining them."""
    model.forget(training=False)
    return [np.asarray(model.predict_on_batch(batch))[..., 0] for batch in batches]


def zeros(rows, window):
    return np.zeros((rows, window, 2), "float32")


def test_rows_go_on_from_the_batch_before():
    first, second = predictions(counting(), [zeros(2, 3), zeros(2, 2)])
    np.testing.assert_array_equal(first, [[11, 12, 13]] * 2)
    np.testing.assert_array_equal(second, [[14, 15]] * 2)


def test_batches_of_any_size():
    """A smaller batch goes on with the first rows; rows that are new start anew, also where a row was left out."""
    outputs = predictions(counting(), [zeros(3, 2), zeros(1, 2), zeros(3, 1)])
    np.testing.assert_array_equal(outputs[1], [[13, 14]])
    np.testing.assert_array_equal(outputs[2], [[15], [11], [11]])


def test_reset_at_the_start_of_a_window():
    reset = np.array([False, True])
    outputs = predictions(counting(), [zeros(2, 3), (zeros(2, 2), reset)])
    np.testing.assert_array_equal(outputs[1], [[14, 15], [11, 12]])


@pytest.mark.skipif(BACKEND != "tensorflow", reason="about graphs of TensorFlow")
def test_reset_at_the_start_of_a_window_in_a_graph_of_one_size():
    """The initial state is a constant there, and the optimiser of graphs makes something of it."""
    import tensorflow as tf

    model = keras_seq.TruncatedBPTT(CountingModel())
    model.compile(keras.optimizers.SGD(0.0), "mae")
    resets = np.array([[True, True], [False, False], [False, True]])
    batches = tf.data.Dataset.from_tensor_slices(((np.zeros((3, 2, 2, 2), "float32"), resets), np.zeros((3, 2, 2, 1))))
    counts = [[[11, 12]] * 2, [[13, 14]] * 2, [[15, 16], [11, 12]]]
    np.testing.assert_allclose(losses_of(model, batches, epochs=2), [np.mean(counts)] * 2)


def losses_of(model, batches, **options):
    """The mean of the counts of each epoch: with `scale` 1 and mean absolute error to zero, the loss itself."""
    losses = model.fit(batches, verbose=0, **options).history["loss"]
    return np.array(losses)


class Batches(keras.utils.PyDataset):
    """Batches in their order."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def test_fit_carries_the_state_and_starts_every_epoch_anew():
    model = keras_seq.TruncatedBPTT(CountingModel())
    model.compile(keras.optimizers.SGD(0.0), "mae", metrics=["mae"])
    batches = Batches([(zeros(2, 2), np.zeros((2, 2, 1))), (zeros(2, 2), np.zeros((2, 2, 1)))])
    history = model.fit(batches, epochs=3, validation_data=batches, shuffle=False, verbose=0).history
    for name in ("loss", "mae", "val_loss", "val_mae"):
        np.testing.assert_allclose(history[name], [12.5] * 3)
    # `evaluate` in the middle of an epoch does not touch the state of training: the count of the last epoch goes on.
    model.train_on_batch(*batches[0])
    model.evaluate(batches, verbose=0)
    model.reset_metrics()
    assert model.train_on_batch(*batches[1])[0] == pytest.approx(17.5)


def test_fit_reads_arrays_in_their_order():
    """Four windows of two streams, as rows of arrays."""
    model = keras_seq.TruncatedBPTT(CountingModel())
    model.compile(keras.optimizers.SGD(0.0), "mae")
    history = model.fit(zeros(7, 1), np.zeros((7, 1, 1)), batch_size=2, verbose=0).history
    np.testing.assert_allclose(history["loss"], [(11 * 2 + 12 * 2 + 13 * 2 + 14) / 7], rtol=1e-6)


def tagger():
    encoder = keras_seq.Recurrent(keras_seq.LSTMCell(3), return_sequences=True, return_state=True)
    return keras_seq.SequenceTagger(9, 9, embedding_size=4, encoder=encoder)


IDS = RNG.integers(1, 9, (3, 9))


def update(model, ids, targets, state=None, reset=None):
    """The change of the weights by one step of SGD on full backpropagation through `ids`, and the state after it."""
    options = {} if state is None else {"initial_state": state}
    options |= {} if reset is None else {"reset": reset}
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            logits, after = model(ids, training=True, **options)
            loss = loss_of(targets, logits)
        gradients = tape.gradient(loss, model.trainable_weights)
        gradients = [ops.convert_to_tensor(gradient) for gradient in gradients]
    else:
        model.zero_grad()
        logits, after = model(ids, training=True, **options)
        loss_of(targets, logits).backward()
        gradients = [weight.value.grad for weight in model.trainable_weights]
    return [-ops.convert_to_numpy(gradient) for gradient in gradients], [ops.convert_to_numpy(s) for s in after]


def trained(model, batches):
    """The changes of the weights by each batch under `fit`, with SGD of rate one."""
    wrapper = keras_seq.TruncatedBPTT(model)
    wrapper.compile(keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    weights = []
    record = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: weights.append(model.get_weights()))
    wrapper.build((None, None))
    before = model.get_weights()
    wrapper.fit(Batches(batches), callbacks=[record], shuffle=False, verbose=0)
    changes = []
    for after in weights:
        changes.append([new - old for new, old in zip(after, before, strict=True)])
        before = after
    return changes, weights


@pytest.mark.parametrize("resets", [False, True])
def test_a_window_over_all_is_full_backpropagation(resets):
    model = tagger()
    model.build((None, None))
    reset = RNG.random((3, 8)) < 0.3 if resets else None
    expected, _ = update(model, IDS[:, :-1], IDS[:, 1:], reset=reset)
    inputs = IDS[:, :-1] if reset is None else (IDS[:, :-1], reset)
    (changes,), _ = trained(model, [(inputs, IDS[:, 1:])])
    for change, gradient in zip(changes, expected, strict=True):
        np.testing.assert_allclose(change, gradient, atol=1e-6)


def test_a_second_window_takes_the_state_as_a_constant():
    """Its gradient is that of the window alone from the given state, with the weights that the first window left."""
    model = tagger()
    model.build((None, None))
    first, state = update(model, IDS[:, :4], IDS[:, 1:5])
    changes, weights = trained(model, [(IDS[:, :4], IDS[:, 1:5]), (IDS[:, 4:8], IDS[:, 5:9])])
    model.set_weights(weights[0])
    second, _ = update(model, IDS[:, 4:8], IDS[:, 5:9], state=[ops.convert_to_tensor(s) for s in state])
    for change, gradient in zip(changes, (first, second), strict=True):
        for one, other in zip(change, gradient, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_driver_alone_is_a_model():
    layer = keras_seq.Recurrent(keras_seq.GRUCell(1), return_sequences=True, return_state=True)
    model = keras_seq.TruncatedBPTT(layer)
    model.compile(keras.optimizers.Adam(0.01), "mse")
    batches = Batches([(STREAMS[:, i : i + 4], TARGETS[:, i : i + 4]) for i in (0, 4)])
    history = model.fit(batches, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    whole, _ = model(STREAMS)
    parts = np.concatenate([np.asarray(model.predict_on_batch(batches[i][0])) for i in (0, 1)], axis=1)
    np.testing.assert_allclose(parts, ops.convert_to_numpy(whole), atol=1e-6)


def test_learns_what_lies_beyond_the_window():
    """A mark at the first step of a stream decides all its targets; later windows know it by the state alone."""
    keras.utils.set_random_seed(1)
    marks = RNG.integers(0, 2, 64)
    ids = RNG.integers(3, 9, (64, 12))
    ids[:, 0] = 1 + marks
    targets = np.repeat(marks[:, None], 12, axis=1)
    encoder = keras_seq.Recurrent(keras_seq.LSTMCell(16), return_sequences=True, return_state=True)
    model = keras_seq.TruncatedBPTT(keras_seq.SequenceTagger(9, 2, embedding_size=8, encoder=encoder))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.03), loss, metrics=["accuracy"])
    batches = Batches([(ids[:, i : i + 4], targets[:, i : i + 4]) for i in (0, 4, 8)])
    model.fit(batches, epochs=15, verbose=0)
    assert model.evaluate(batches, verbose=0)[1] > 0.95
    assert model.evaluate(Batches(batches.batches[1:]), verbose=0)[1] < 0.7


def test_keras_file_round_trip(tmp_path):
    model = keras_seq.TruncatedBPTT(tagger())
    before = model.predict(IDS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(IDS, verbose=0), before)


def test_wrong_model_is_refused():
    with pytest.raises(ValueError, match="get_initial_state"):
        keras_seq.TruncatedBPTT(keras.layers.Dense(3))
