"""A recurrent cell that looks at a memory: against NumPy, in every order, around any cell, in a driver as in steps."""

import contextlib
import functools

import keras
import numpy as np
import numpy_attention as oracles
import numpy_cells
import pytest
from keras import ops

import keras_seq

BATCH, TIME, FEATURES, UNITS, MEMORY_TIME, MEMORY_SIZE = 3, 4, 2, 3, 6, 5
RNG = np.random.default_rng(8)
X = RNG.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
MEMORY = RNG.normal(size=(BATCH, MEMORY_TIME, MEMORY_SIZE)).astype("float32")
OTHER = RNG.normal(size=(BATCH, 2, 4)).astype("float32")
MEMORY_MASK = np.array([[1] * 6, [0, 1, 1, 0, 1, 0], [1, 1, 0, 0, 0, 0]], bool)
MASK = np.array([[1] * 4, [1, 1, 1, 0], [0, 1, 0, 1]], bool)

ADDITIVE = functools.partial(keras_seq.AdditiveAttention, 4)
CELLS = {
    "elman": (keras_seq.ElmanCell, numpy_cells.elman),
    "lstm": (keras_seq.LSTMCell, numpy_cells.lstm),
    "gru": (keras_seq.GRUCell, numpy_cells.gru_reset_after),
}
ORDERS = {
    "luong": {},
    "luong_fed": {"input_feeding": True, "units": 4},
    "bahdanau": {"attention_before": True},
    "bahdanau_units": {"attention_before": True, "units": 4},
    "bahdanau_fed": {"attention_before": True, "input_feeding": True, "units": 4},
}
ATTENTIONS = {
    "additive": (ADDITIVE, oracles.additive),
    "location_aware": (
        lambda: keras_seq.LocationAwareAttention(4, filters=2, kernel_size=3),
        oracles.location_aware,
    ),
    "coverage": (lambda: keras_seq.CoverageAttention(4), oracles.coverage),
    "local_m": (
        lambda: keras_seq.LocalAttention(ADDITIVE(), half_width=1, predictive=False),
        functools.partial(oracles.local, score=oracles.additive_score, half_width=1, predictive=False),
    ),
    "monotonic": (
        lambda: keras_seq.MonotonicAttention(ADDITIVE()),
        functools.partial(oracles.monotonic_hard, score=oracles.additive_score),
    ),
    "multi_head": (
        lambda: keras_seq.MultiHeadAttention(2, head_size=3, output_size=3),
        functools.partial(oracles.multi_head, heads=2),
    ),
}


def randomised(layer):
    layer.set_weights([RNG.normal(size=w.shape, scale=0.7) for w in layer.weights])
    return layer


def built(cell, memory_shape=(None, None, MEMORY_SIZE)):
    cell.build((None, FEATURES), memory_shape=memory_shape)
    return randomised(cell)


def recurrent(cell, **options):
    return keras_seq.Recurrent(cell, return_sequences=True, return_alignments=True, return_state=True, **options)


def named(layer):
    """The weights of a layer without those of the layers in it."""
    return {w.name: ops.convert_to_numpy(w).astype("float64") for w in layer.weights}


def oracle(cell, step, attend, states, mask=MASK, memories=(MEMORY,), memory_masks=(MEMORY_MASK,)):
    """Each row alone and without padding: outputs and weights at its valid steps, final states."""
    inner = [ops.convert_to_numpy(w).astype("float64") for w in cell.cell.weights]
    attentions = [functools.partial(one, named(layer)) for one, layer in zip(attend, cell.attentions, strict=True)]
    own = {name: getattr(cell, name, None) for name in ("context_kernel", "output_kernel")}
    own = {name: ops.convert_to_numpy(w).astype("float64") for name, w in own.items() if w is not None}
    for row in range(BATCH):
        pairs = zip(memories, memory_masks, strict=True)
        of_row = [memory[row][valid[row]].astype("float64") for memory, valid in pairs]
        states_of_row = [state[row : row + 1].astype("float64") for state in states]
        sequence = X[row][mask[row]].astype("float64")
        orders = {"before": cell.attention_before, "feeding": cell.input_feeding}
        yield oracles.attention_cell(step, inner, own, attentions, sequence, states_of_row, of_row, **orders)


def assert_equals_oracle(cell, step, attend, numpy):
    states = [RNG.normal(size=(BATCH, UNITS)).astype("float32") for _ in cell.cell.state_sizes]
    layer = recurrent(cell)
    outputs, weights, *final = numpy(layer(X, initial_state=states, mask=MASK, memory=MEMORY, memory_mask=MEMORY_MASK))
    for row, (expected, (expected_weights,), end) in enumerate(oracle(cell, step, [attend], states)):
        np.testing.assert_allclose(outputs[row][MASK[row]], expected, atol=1e-5)
        got = weights[row][MASK[row]]  # [time, ..., memory_time]
        np.testing.assert_allclose(got[..., MEMORY_MASK[row]], expected_weights, atol=1e-5)
        assert not np.any(got[..., ~MEMORY_MASK[row]])
        for state, want in zip(final, end, strict=False):
            np.testing.assert_allclose(state[row], want[0], atol=1e-5)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", CELLS)
def test_equals_the_equations(kind, order, numpy):
    make, step = CELLS[kind]
    cell = built(keras_seq.AttentionCell(make(UNITS), ADDITIVE(), **ORDERS[order]))
    assert_equals_oracle(cell, step, oracles.additive, numpy)


@pytest.mark.parametrize("order", ["luong", "bahdanau"])
@pytest.mark.parametrize("kind", ATTENTIONS)
def test_with_every_kind_of_attention(kind, order, numpy):
    """Those that look at their past carry it from step to step, and over masked steps."""
    make, attend = ATTENTIONS[kind]
    cell = built(keras_seq.AttentionCell(keras_seq.GRUCell(UNITS), make(), **ORDERS[order]))
    assert_equals_oracle(cell, numpy_cells.gru_reset_after, attend, numpy)


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_stepped_equals_whole(kind, numpy):
    """As a decoder steps: constants once, then one step after the other; the alignment of a step is in its states."""
    cell = built(keras_seq.AttentionCell(keras_seq.LSTMCell(UNITS), ATTENTIONS[kind][0](), **ORDERS["luong_fed"]))
    outputs, weights, *final = numpy(recurrent(cell)(X, memory=MEMORY, memory_mask=MEMORY_MASK))
    constants = cell.constants(BATCH, memory=MEMORY, memory_mask=MEMORY_MASK)
    states = cell.get_initial_state(BATCH, constants=constants)
    assert len(states) == len(cell.state_size)
    for t in range(TIME):
        output, states = cell(X[:, t], states, constants=constants)
        np.testing.assert_allclose(numpy(output), outputs[:, t], atol=1e-5)
        np.testing.assert_allclose(numpy(cell.alignments(states)), weights[:, t], atol=1e-5)
    for state, want in zip(states, final, strict=True):
        np.testing.assert_allclose(numpy(state), want, atol=1e-5)


def test_resuming_from_all_states_equals_one_run(numpy):
    """And from the state of the inner cell alone, the attention starts anew."""
    layer = recurrent(
        built(keras_seq.AttentionCell(keras_seq.GRUCell(UNITS), keras_seq.CoverageAttention(4), input_feeding=True))
    )
    whole = numpy(layer(X, memory=MEMORY)[0])
    _, _, *carried = layer(X[:, :2], memory=MEMORY)
    assert len(carried) == 4
    rest = numpy(layer(X[:, 2:], initial_state=carried, memory=MEMORY)[0])
    np.testing.assert_allclose(rest, whole[:, 2:], atol=1e-5)
    anew = numpy(layer(X[:, 2:], initial_state=carried[:1], memory=MEMORY)[0])
    assert np.abs(anew - whole[:, 2:]).max() > 1e-3
    with pytest.raises(ValueError, match=r"4 states of sizes .* Received: initial_state with 5"):
        layer(X, initial_state=[*carried, carried[0]], memory=MEMORY)


def test_several_attentions_and_memories(numpy):
    cell = keras_seq.AttentionCell(
        keras_seq.GRUCell(UNITS), [keras_seq.CoverageAttention(4), ADDITIVE()], attention_before=True, units=4
    )
    built(cell, [(None, None, MEMORY_SIZE), (None, None, 4)])
    states, masks = [np.zeros((BATCH, UNITS), "float32")], [MEMORY_MASK, np.ones((BATCH, 2), bool)]
    outputs, weights, *_ = numpy(recurrent(cell)(X, mask=MASK, memory=[MEMORY, OTHER], memory_mask=masks))
    assert [w.shape for w in weights] == [(BATCH, TIME, MEMORY_TIME), (BATCH, TIME, 2)]
    attend = [oracles.coverage, oracles.additive]
    expected = oracle(cell, numpy_cells.gru_reset_after, attend, states, MASK, [MEMORY, OTHER], masks)
    for row, (want, want_weights, _) in enumerate(expected):
        np.testing.assert_allclose(outputs[row][MASK[row]], want, atol=1e-5)
        for one, want_one, valid in zip(weights, want_weights, masks, strict=True):
            np.testing.assert_allclose(one[row][MASK[row]][..., valid[row]], want_one, atol=1e-5)
    with pytest.raises(ValueError, match=r"one for each of 2 attentions\. Received: 3"):
        cell.constants(BATCH, memory=[MEMORY, OTHER, OTHER])


INSIDE = {
    "residual": lambda: keras_seq.ResidualCell(keras_seq.GRUCell(UNITS), dense=True),
    "zoneout": lambda: keras_seq.ZoneoutCell(keras_seq.LSTMCell(UNITS), [0.3, 0.1], seed=1),
    "dropout": lambda: keras_seq.VariationalDropoutCell(keras_seq.LSTMCell(UNITS), 0.3, 0.3, seed=1),
    "learned": lambda: keras_seq.LearnedInitialStateCell(keras_seq.LSTMCell(UNITS)),
    "both": lambda: keras_seq.ResidualCell(keras_seq.ZoneoutCell(keras_seq.GRUCell(UNITS), 0.3), dense=True),
    "minimal": lambda: keras_seq.MGUCell(UNITS),
    "matrix": lambda: keras_seq.MLSTMCell(UNITS, heads=1),
    "jordan": lambda: keras_seq.JordanCell(UNITS, 2),
    "higher_order": lambda: keras_seq.HigherOrderCell(UNITS, 2),
}
OUTSIDE = {
    "residual": lambda cell: keras_seq.ResidualCell(cell, dense=True),
    "dropout": lambda cell: keras_seq.VariationalDropoutCell(cell, 0.3, 0.3, seed=1),
    "skip": lambda cell: keras_seq.SkipThroughTimeCell(cell, 2),
}


def assert_stepped_equals_whole(cell, numpy):
    for training in (False, True):  # while training, only that it runs
        outputs, weights, *_ = numpy(recurrent(cell)(X, memory=MEMORY, memory_mask=MEMORY_MASK, training=training))
        assert np.all(np.isfinite(outputs))
        if not training:
            expected, expected_weights = outputs, weights
    constants = cell.constants(BATCH, memory=MEMORY, memory_mask=MEMORY_MASK)
    states = cell.get_initial_state(BATCH, constants=constants)
    for t in range(TIME):
        output, states = cell(X[:, t], states, constants=constants)
        np.testing.assert_allclose(numpy(output), expected[:, t], atol=1e-5)
        np.testing.assert_allclose(numpy(cell.alignments(states)), expected_weights[:, t], atol=1e-5)


@pytest.mark.parametrize("order", ["luong_fed", "bahdanau"])
@pytest.mark.parametrize("inner", INSIDE)
def test_around_any_cell(inner, order, numpy):
    assert_stepped_equals_whole(built(keras_seq.AttentionCell(INSIDE[inner](), ADDITIVE(), **ORDERS[order])), numpy)


@pytest.mark.parametrize("outer", OUTSIDE)
def test_inside_of_wrappers(outer, numpy):
    attention = keras_seq.MonotonicAttention(ADDITIVE(), seed=1)
    cell = OUTSIDE[outer](keras_seq.AttentionCell(keras_seq.LSTMCell(UNITS), attention, **ORDERS["bahdanau"]))
    assert_stepped_equals_whole(built(cell), numpy)


def test_what_is_fed_does_not_touch_a_shortcut(numpy):
    """Inside, a residual connection adds the inputs alone: with no other weights, the output is its shortcut."""
    inner = keras_seq.ResidualCell(keras_seq.ElmanCell(FEATURES))
    cell = keras_seq.AttentionCell(inner, ADDITIVE(), attention_before=True)
    built(cell)
    cell.cell.cell.set_weights([np.zeros(w.shape) for w in cell.cell.cell.weights])
    outputs = numpy(recurrent(cell)(X, memory=MEMORY)[0])
    context = outputs - X
    assert np.all(np.abs(context) < 1)
    assert np.abs(context).max() > 0.01  # tanh of what was fed


def test_driver_options(numpy):
    """Backwards, unrolled, the last step alone, zeros where masked."""
    cell = built(keras_seq.AttentionCell(keras_seq.GRUCell(UNITS), keras_seq.CoverageAttention(4)))
    given = {"mask": MASK, "memory": MEMORY, "memory_mask": MEMORY_MASK}
    outputs, weights, *_ = numpy(recurrent(cell)(X, **given))
    for got, want in zip(numpy(recurrent(cell, unroll=True)(X, **given)), (outputs, weights), strict=False):
        np.testing.assert_allclose(got, want, atol=1e-6)
    last, last_weights = numpy(keras_seq.Recurrent(cell, return_alignments=True)(X, **given))
    ends = [np.flatnonzero(row)[-1] for row in MASK]
    np.testing.assert_allclose(last, outputs[range(BATCH), ends], atol=1e-6)
    np.testing.assert_allclose(last_weights, weights[range(BATCH), ends], atol=1e-6)
    zeroed = numpy(recurrent(cell, zero_output_for_mask=True)(X, **given))[1]
    assert not np.any(zeroed[~MASK])
    np.testing.assert_allclose(zeroed[MASK], weights[MASK], atol=1e-6)
    flipped = {**given, "mask": MASK[:, ::-1]}
    backwards = numpy(recurrent(cell, go_backwards=True)(X[:, ::-1], **flipped))
    for got, want in zip(backwards[:2], (outputs, weights), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("kind", ["coverage", "multi_head"])
def test_output_shapes(kind):
    layer = recurrent(built(keras_seq.AttentionCell(keras_seq.GRUCell(UNITS), ATTENTIONS[kind][0]())))
    shapes = layer.compute_output_shape(X.shape)
    for tensor, shape in zip(layer(X, memory=MEMORY), shapes, strict=True):
        assert tuple(size for size in shape if size is not None) == tuple(
            got for got, size in zip(tensor.shape, shape, strict=True) if size is not None
        )


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(dtype, numpy):
    attentions = [keras_seq.CoverageAttention(4, dtype=dtype), keras_seq.MonotonicAttention(ADDITIVE(dtype=dtype))]
    cell = keras_seq.AttentionCell(keras_seq.GRUCell(UNITS, dtype=dtype), attentions, input_feeding=True)
    layer = recurrent(built(cell), dtype=dtype)
    outputs, weights, *states = layer(X, mask=MASK, memory=MEMORY, memory_mask=MEMORY_MASK)
    assert keras.backend.standardize_dtype(outputs.dtype) == dtype.removeprefix("mixed_")
    assert all(np.all(np.isfinite(numpy(ops.cast(t, "float32")))) for t in (outputs, *weights, *states))
    again = layer(X, initial_state=states, mask=MASK, memory=MEMORY, memory_mask=MEMORY_MASK)
    assert keras.backend.standardize_dtype(again[0].dtype) == dtype.removeprefix("mixed_")


@pytest.mark.parametrize("order", ORDERS)
def test_keras_file_gives_the_same_outputs(order, numpy, tmp_path):
    attentions = [ADDITIVE(), keras_seq.LocationAwareAttention(4, kernel_size=3)]
    layer = recurrent(keras_seq.AttentionCell(keras_seq.LSTMCell(UNITS), attentions, **ORDERS[order]))
    shapes = {"x": (None, FEATURES), "mask": (None,), "memory": (None, MEMORY_SIZE), "memory_mask": (None,)}
    inputs = {n: keras.Input(s, dtype="bool" if "mask" in n else "float32", name=n) for n, s in shapes.items()}
    x, mask, memory, memory_mask = inputs.values()
    model = keras.Model(inputs, layer(x, mask=mask, memory=memory, memory_mask=memory_mask))
    randomised(model)
    given = {"x": X, "mask": MASK, "memory": MEMORY, "memory_mask": MEMORY_MASK}
    before = numpy(model(given))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for got, want in zip(keras.tree.flatten(numpy(loaded(given))), keras.tree.flatten(before), strict=True):
        np.testing.assert_array_equal(got, want)


def test_keras_file_with_a_memory_for_each_attention(numpy, tmp_path):
    cell = keras_seq.AttentionCell(keras_seq.GRUCell(UNITS), [ADDITIVE(), keras_seq.CoverageAttention(4)])
    x, memory, other = keras.Input((None, FEATURES)), keras.Input((None, MEMORY_SIZE)), keras.Input((None, 4))
    model = keras.Model([x, memory, other], keras_seq.Recurrent(cell)(x, memory=[memory, other]))
    before = numpy(model([X, MEMORY, OTHER]))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(loaded([X, MEMORY, OTHER])), before)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="one backend's automatic differentiation is enough")
def test_gradients_equal_finite_differences():
    """Through the loop, by the inputs, the memory and every weight, in a graph of unknown shapes."""
    import tensorflow as tf

    attentions = [
        keras_seq.CoverageAttention(4, dtype="float64"),
        keras_seq.MonotonicAttention(ADDITIVE(dtype="float64"), 0),
    ]
    cell = built(
        keras_seq.AttentionCell(keras_seq.GRUCell(UNITS, dtype="float64"), attentions, **ORDERS["bahdanau_fed"])
    )
    layer = keras_seq.Recurrent(cell, return_sequences=True, return_alignments=True, dtype="float64")
    sources = [tf.Variable(X, dtype="float64"), tf.Variable(MEMORY, dtype="float64")]
    sources += [w.value for w in cell.trainable_variables]

    @tf.function(
        input_signature=[tf.TensorSpec([None, None, n], tf.float64) for n in (FEATURES, MEMORY_SIZE)], autograph=False
    )
    def loss(x, memory):
        results = layer(x, mask=tf.constant(MASK), memory=memory, memory_mask=tf.constant(MEMORY_MASK), training=True)
        return tf.add_n([tf.reduce_sum(tf.sin(3 * part)) for part in tf.nest.flatten(results)])

    with tf.GradientTape() as tape:
        value = loss(*sources[:2])
    for source, gradient in zip(sources, tape.gradient(value, sources), strict=True):
        start, direction = source.numpy(), RNG.normal(size=source.shape)
        ends = []
        for sign in (1, -1):
            source.assign(start + sign * 1e-6 * direction)
            ends.append(float(loss(*sources[:2])))
        source.assign(start)
        slope = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(float(tf.reduce_sum(gradient * direction)), slope, atol=1e-6, rtol=1e-5)


def compiled():
    """Let JAX compile, which `tests/conftest.py` spares the other tests."""
    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.disable_jit(False)


def test_noise_in_a_compiled_loop():
    """Dropout of the weights and noise on the scores are drawn outside of the loop: JAX can draw none in its scan."""
    attentions = [
        keras_seq.MonotonicAttention(ADDITIVE(), seed=1),
        keras_seq.MultiHeadAttention(1, dropout=0.5, seed=2),
    ]
    cell = keras_seq.AttentionCell(keras_seq.GRUCell(UNITS), attentions)
    x, memory = keras.Input((None, FEATURES)), keras.Input((None, MEMORY_SIZE))
    model = keras.Model([x, memory], keras_seq.Recurrent(cell)(x, memory=memory))
    model.compile("sgd", "mse", jit_compile=False)
    with compiled():
        losses = [model.train_on_batch([X, MEMORY], np.zeros((BATCH, UNITS), "float32")) for _ in range(2)]
    assert np.all(np.isfinite(losses))


def test_a_decoder_over_four_encoder_states_looks_at_the_right_one(numpy):
    """The example of the literature, with weights by hand: the state of the decoder names the state to look at."""
    encoder_states = 5 * np.eye(4, dtype="float32")[None] + 0.1 * RNG.normal(size=(1, 4, 4)).astype("float32")
    wanted = [2, 0, 3, 1]
    cell = keras_seq.AttentionCell(
        keras_seq.ElmanCell(4, activation="linear", kernel_initializer="identity", recurrent_initializer="zeros"),
        keras_seq.MultiplicativeAttention("dot"),
    )
    outputs, alignments = keras_seq.Recurrent(cell, return_sequences=True, return_alignments=True)(
        np.eye(4, dtype="float32")[wanted][None], memory=encoder_states
    )
    assert numpy(alignments)[0].argmax(axis=-1).tolist() == wanted
    assert numpy(alignments)[0].max(axis=-1).min() > 0.95
    assert outputs.shape == (1, 4, 4)


def test_a_decoder_learns_where_to_look(numpy):
    """It must put out the four states of an encoder in another order, and learns whose turn it is."""
    keras.utils.set_random_seed(1)
    rng, order = np.random.default_rng(1), [2, 0, 3, 1]
    content = rng.uniform(-1, 1, size=(256, 4, 2)).astype("float32")
    memory = np.concatenate([content, np.tile(np.eye(4, dtype="float32"), (256, 1, 1))], axis=-1)
    steps = np.tile(np.eye(4, dtype="float32"), (256, 1, 1))
    cell = keras_seq.AttentionCell(
        keras_seq.GRUCell(8), keras_seq.AdditiveAttention(8), attention_before=True, units=16
    )
    x, looked_at = keras.Input((4, 4)), keras.Input((4, 6))
    unroll = keras.backend.backend() != "jax"  # which compiles a loop faster, where the others run four steps faster
    layer = keras_seq.Recurrent(cell, return_sequences=True, return_alignments=True, unroll=unroll)
    hidden, alignments = layer(x, memory=looked_at)
    model = keras.Model([x, looked_at], keras.layers.Dense(2)(hidden))
    model.compile(keras.optimizers.Adam(0.03), "mse", jit_compile=False)
    with compiled():
        model.fit([steps, memory], content[:, order], batch_size=32, epochs=10, verbose=0)
    weights = numpy(keras.Model([x, looked_at], alignments)([steps[:8], memory[:8]]))
    assert np.all(weights.argmax(axis=-1) == order)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: keras.layers.RNN(attention_cell())(X), r"`keras.layers.RNN` hands no memory to its cell"),
        (lambda: keras_seq.Recurrent(attention_cell())(X), r"needs a memory to look at"),
        (lambda: built(attention_cell()).get_initial_state(2), r"needs a memory to look at"),
        (lambda: built(attention_cell())(X[:, 0], [X[:, 0]]), r"needs a memory to look at"),
        (lambda: keras_seq.AttentionCell(keras_seq.GRUCell(3), "additive"), r"must be an attention of keras_seq"),
        (lambda: keras_seq.AttentionCell(keras.layers.GRUCell(3), ADDITIVE()), r"`cell` must be a cell of keras_seq"),
        (lambda: attention_cell(attention_before=True, input_feeding=True), r"`input_feeding` needs `units`"),
        (lambda: keras_seq.Recurrent(keras_seq.GRUCell(3), return_alignments=True), r"needs a cell with an attention"),
        (lambda: keras_seq.GRUCell(3).alignments([]), r"GRUCell has no attention"),
        (lambda: keras_seq.Bidirectional(aligned()), r"`Bidirectional` cannot have `return_alignments=True`"),
        (lambda: keras_seq.Stacked([aligned()]), r"`Stacked` cannot have `return_alignments=True`"),
        (lambda: keras_seq.Segmented(aligned(), 2), r"`Segmented` cannot have `return_alignments=True`"),
        (lambda: keras_seq.Sliced(aligned()), r"cannot have `return_alignments=True`"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def aligned():
    return keras_seq.Recurrent(attention_cell(), return_alignments=True)


def attention_cell(**options):
    return keras_seq.AttentionCell(keras_seq.GRUCell(UNITS), ADDITIVE(), **options)
