"""Every public name is documented, registered, and comes back from its config and from a `.keras` file."""

import inspect

import keras
import numpy as np
import pytest

import keras_seq

X = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], bool)

TREES = {"ids": [[0, 7, 0, 3, 4], [2, 0, 0, 0, 0]], "parents": [[-1, 0, 0, 2, 2], [-1] * 5]}
TREES |= {"positions": [[0, 0, 1, 0, 1], [0] * 5], "depth": [[0, 1, 1, 2, 2], [0, -1, -1, -1, -1]]}
TREES = {name: np.array(rows, "int32") for name, rows in TREES.items()}


def recurrent(**options):
    return keras_seq.Recurrent(keras_seq.GRUCell(3, reset_after=False), **options)


EXAMPLES = {
    "ElmanCell": lambda: keras_seq.ElmanCell(3, activation="relu", kernel_regularizer="l2"),
    "LSTMCell": lambda: keras_seq.LSTMCell(3, unit_forget_bias=False, use_bias=False),
    "GRUCell": lambda: keras_seq.GRUCell(3, reset_after=False, recurrent_initializer="glorot_uniform"),
    "IRNNCell": lambda: keras_seq.IRNNCell(3, scale=0.5, activation="tanh"),
    "PeepholeLSTMCell": lambda: keras_seq.PeepholeLSTMCell(3, peephole_initializer="ones", unit_forget_bias=False),
    "CoupledLSTMCell": lambda: keras_seq.CoupledLSTMCell(3, recurrent_activation="hard_sigmoid"),
    "ProjectedLSTMCell": lambda: keras_seq.ProjectedLSTMCell(3, 2, projection_initializer="orthogonal"),
    "LayerNormElmanCell": lambda: keras_seq.LayerNormElmanCell(3, epsilon=0.1, use_bias=False),
    "LayerNormLSTMCell": lambda: keras_seq.LayerNormLSTMCell(3, epsilon=0.1, use_bias=False),
    "LayerNormGRUCell": lambda: keras_seq.LayerNormGRUCell(3, epsilon=0.1, use_bias=False),
    "NASCell": lambda: keras_seq.NASCell(3, projection=2, use_bias=True, projection_initializer="orthogonal"),
    "MGUCell": lambda: keras_seq.MGUCell(3, recurrent_activation="hard_sigmoid"),
    "ESNCell": lambda: keras_seq.ESNCell(3, connectivity=0.8, leaky=0.3, spectral_radius=0.5, use_norm2=True),
    "IndRNNCell": lambda: keras_seq.IndRNNCell(3, recurrent_clip=0.5),
    "ESN": lambda: keras_seq.ESN(3, connectivity=0.8, leaky=0.3, return_sequences=True, go_backwards=True),
    "JordanCell": lambda: keras_seq.JordanCell(3, 2, output_activation="linear", output_initializer="ones"),
    "LeakyCell": lambda: keras_seq.LeakyCell(3, leak=(0.1, 0.9), learned=True),
    "HigherOrderCell": lambda: keras_seq.HigherOrderCell(3, order=3),
    "SkipThroughTimeCell": lambda: keras_seq.SkipThroughTimeCell(keras_seq.GRUCell(3), 2, skip_initializer="ones"),
    "ClockworkCell": lambda: keras_seq.ClockworkCell(6, periods=[1, 3]),
    "SLSTMCell": lambda: keras_seq.SLSTMCell(4, 2, forget_activation="exponential", forget_bias=(1, 2)),
    "MLSTMCell": lambda: keras_seq.MLSTMCell(4, 2, forget_activation="exponential", forget_bias=[1, 2]),
    "SRUCell": lambda: keras_seq.SRUCell(3, peephole=True, highway_bias=-2.0, rescale=False, bias_initializer="ones"),
    "QRNNCell": lambda: keras_seq.QRNNCell(3, window=3, pooling="ifo", activation="relu", kernel_regularizer="l2"),
    "MinGRUCell": lambda: keras_seq.MinGRUCell(3, activation="tanh", bias_regularizer="l1"),
    "MinLSTMCell": lambda: keras_seq.MinLSTMCell(3, unit_forget_bias=True, kernel_initializer="he_normal"),
    "ResidualCell": lambda: keras_seq.ResidualCell(keras_seq.GRUCell(3), dense=True, kernel_initializer="ones"),
    "VariationalDropoutCell": lambda: keras_seq.VariationalDropoutCell(
        keras_seq.LSTMCell(3), 0.1, [0.2, 0.1], 0.3, seed=4
    ),
    "ZoneoutCell": lambda: keras_seq.ZoneoutCell(keras_seq.LSTMCell(3), [0.2, 0.1], seed=4),
    "LearnedInitialStateCell": lambda: keras_seq.LearnedInitialStateCell(
        keras_seq.ZoneoutCell(keras_seq.LSTMCell(3), 0.1), learned=[True, False], initializer="ones"
    ),
    "Recurrent": lambda: recurrent(return_sequences=True, go_backwards=True, zero_output_for_mask=True),
    "Bidirectional": lambda: keras_seq.Bidirectional(recurrent(return_sequences=True), merge_mode="sum"),
    "Stacked": lambda: keras_seq.Stacked([recurrent(), recurrent()], dropout=0.1, residual=True, return_sequences=True),
    "Segmented": lambda: keras_seq.Segmented(recurrent(), 2, shift=False),
    "Sliced": lambda: keras_seq.Sliced([recurrent(), keras_seq.LSTMCell(2)], slices=3, levels=1, return_state=False),
    "AdditiveAttention": lambda: keras_seq.AdditiveAttention(3, normalize=True, kernel_initializer="he_normal"),
    "MultiplicativeAttention": lambda: keras_seq.MultiplicativeAttention("concat", units=3),
    "ScaledDotProductAttention": keras_seq.ScaledDotProductAttention,
    "LocationAwareAttention": lambda: keras_seq.LocationAwareAttention(3, filters=2, kernel_size=3, normalize=True),
    "CoverageAttention": lambda: keras_seq.CoverageAttention(3, max_fertility=2),
    "LocalAttention": lambda: keras_seq.LocalAttention(keras_seq.AdditiveAttention(3), 2, units=5),
    "MonotonicAttention": lambda: keras_seq.MonotonicAttention(
        keras_seq.AdditiveAttention(3), noise=0.5, score_bias=-1.0, hard=False, seed=4
    ),
    "MultiHeadAttention": lambda: keras_seq.MultiHeadAttention(
        2, 3, output_size=5, causal=True, positions="relative", max_distance=3, dropout=0.1, use_bias=False, seed=4
    ),
    "SinusoidalPositions": lambda: keras_seq.SinusoidalPositions(1000),
    "AttentionCell": lambda: keras_seq.AttentionCell(
        keras_seq.LSTMCell(3),
        [keras_seq.AdditiveAttention(3), keras_seq.MonotonicAttention(keras_seq.MultiplicativeAttention())],
        attention_before=True,
        input_feeding=True,
        units=5,
    ),
    "LastPooling": keras_seq.LastPooling,
    "MeanPooling": keras_seq.MeanPooling,
    "MaxPooling": keras_seq.MaxPooling,
    "AttentivePooling": lambda: keras_seq.AttentivePooling(2),
    "ConcatenatedPooling": lambda: keras_seq.ConcatenatedPooling(
        [keras_seq.AttentivePooling(), keras_seq.MaxPooling()]
    ),
    "SequenceClassifier": lambda: keras_seq.SequenceClassifier(
        9, 3, embedding_size=4, encoder=recurrent(return_sequences=True), word_dropout=0.2
    ),
    "SequenceTagger": lambda: keras_seq.SequenceTagger(
        9, 3, embedding_size=4, encoder=recurrent(return_sequences=True), output_dropout=0.2, seed=1
    ),
    "RecursiveCell": lambda: keras_seq.RecursiveCell(4, activation="relu", use_bias=False),
    "MatrixVectorCell": lambda: keras_seq.MatrixVectorCell(2, rank=1, matrix_initializer="orthogonal"),
    "TensorCell": lambda: keras_seq.TensorCell(4, leaf_activation="tanh", tensor_regularizer="l2"),
    "ChildSumTreeLSTMCell": lambda: keras_seq.ChildSumTreeLSTMCell(3, unit_forget_bias=False, kernel_regularizer="l2"),
    "NaryTreeLSTMCell": lambda: keras_seq.NaryTreeLSTMCell(3, arity=3, recurrent_dropout=0.1, seed=2),
    "Recursive": lambda: keras_seq.Recursive(keras_seq.NaryTreeLSTMCell(3), return_nodes=True, inner_inputs=False),
    "TreeClassifier": lambda: keras_seq.TreeClassifier(
        9, 3, keras_seq.MatrixVectorCell(2), inner_words=True, output_dropout=0.2, head_regularizer="l2", seed=1
    ),
    "LearnedPositions": lambda: keras_seq.LearnedPositions(9),
    "NgramScores": lambda: keras_seq.NgramScores(3, 50, order=2, first_token=1),
    "RecurrentDecoder": lambda: keras_seq.RecurrentDecoder(
        9, keras_seq.GRUCell(3), use="attention", attention=keras_seq.AdditiveAttention(3), tied_embeddings=True
    ),
    "TransformerDecoder": lambda: keras_seq.TransformerDecoder(9, size=4, heads=2, pre_norm=False),
    "TransformerEncoder": lambda: keras_seq.TransformerEncoder(heads=2, positions="learned", max_length=9),
    "EncoderDecoder": lambda: keras_seq.EncoderDecoder(
        9, keras_seq.GRUCell(3), keras_seq.RecurrentDecoder(8, keras_seq.GRUCell(3)), dropout=0.1
    ),
    "LanguageModel": lambda: keras_seq.LanguageModel(keras_seq.RecurrentDecoder(9, keras_seq.GRUCell(3)), True),
    "ContinuousCache": lambda: keras_seq.ContinuousCache(3, share=0.5, sharpness=2.0, closeness=0.1),
    "CachedLanguageModel": lambda: keras_seq.CachedLanguageModel(
        keras_seq.LanguageModel(keras_seq.RecurrentDecoder(9, keras_seq.GRUCell(3)), True), keras_seq.ContinuousCache(3)
    ),
    "TruncatedBPTT": lambda: keras_seq.TruncatedBPTT(recurrent(return_sequences=True, return_state=True)),
    "VectorToSequence": lambda: keras_seq.VectorToSequence(keras_seq.LSTMCell(3), steps=5, feed="every", outputs=2),
}
ABSTRACT = {"Attention", "ContentAttention", "Decoder", "LinearCell", "RecurrentCell", "TreeCell", "WrapperCell"}
CALLBACKS = {"GradientMonitor", "ScheduledSampling"}  # what is called in other ways than a layer
ALIASES = {"LayerNormSimpleRNNCell": "LayerNormElmanCell"}


def test_every_public_name_has_an_example():
    assert set(keras_seq.__all__) == set(EXAMPLES) | ABSTRACT | CALLBACKS | set(ALIASES)


def test_an_alias_is_the_same_class():
    for alias, name in ALIASES.items():
        assert getattr(keras_seq, alias) is getattr(keras_seq, name)


@pytest.mark.parametrize("name", keras_seq.__all__)
def test_is_documented(name):
    public = getattr(keras_seq, name)
    text = inspect.getdoc(public)
    assert text
    assert "Call arguments:" in text or name in CALLBACKS
    own = vars(public).get("__init__")  # what a class inherits is documented where it is defined
    parameters = [] if own is None else inspect.signature(own).parameters
    for parameter in set(parameters) - {"self", "kwargs"}:
        assert f"{parameter}:" in text, f"{name} does not document {parameter}"
    for method, function in inspect.getmembers(public, inspect.isfunction):
        if not method.startswith("_") and function.__module__.startswith("keras_seq"):
            assert inspect.getdoc(function), f"{name}.{method} has no docstring"


def tree_model(layer):
    """A model over trees that has the layer in it."""
    if isinstance(layer, keras_seq.TreeClassifier):
        return layer
    if isinstance(layer, keras_seq.TreeCell):
        return keras_seq.TreeClassifier(9, 2, layer, embedding_size=getattr(layer, "input_size", 5))
    tree = {name: keras.Input((None,), dtype="int32", name=name) for name in TREES}
    return keras.Model(tree, layer(keras.layers.Embedding(9, 5)(tree["ids"]), tree))


@pytest.mark.parametrize("name", EXAMPLES)
def test_is_registered(name):
    assert keras.saving.get_registered_name(getattr(keras_seq, name)) == f"keras_seq>{name}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_config_round_trip(name):
    one = EXAMPLES[name]()
    other = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(one))
    assert type(other) is type(one)
    assert other.get_config() == one.get_config()


@pytest.mark.parametrize("name", EXAMPLES)
def test_keras_file_round_trip(name, tmp_path, numpy):
    layer = EXAMPLES[name]()
    if name in ("CachedLanguageModel", "LanguageModel", "SequenceClassifier", "SequenceTagger"):
        model, inputs = layer, np.array([[3, 4, 0], [5, 6, 7]])
    elif name == "ContinuousCache":
        logits, ids = keras.Input((None, 4)), keras.Input((None,), dtype="int32")
        model = keras.Model([logits, ids], layer(logits, ids, logits)[0])
        inputs = [X, np.array([[1, 2, 1, 2, 1], [3, 3, 0, 1, 3]])]
    elif name == "NgramScores":
        ids = keras.Input((None,), dtype="int32")
        model, inputs = keras.Model(ids, layer(ids)), np.array([[3, 4, 0], [5, 6, 7]])
    elif name == "EncoderDecoder":
        model, inputs = layer, (np.array([[3, 4, 0], [5, 6, 7]]), np.array([[2, 4], [2, 5]]))
    elif name.endswith("Decoder"):
        ids, memory = keras.Input((None,), dtype="int32"), keras.Input((None, 4))
        model, inputs = keras.Model([ids, memory], layer(ids, memory)), [np.array([[2, 4], [2, 5]]), X]
    elif name == "TruncatedBPTT":
        model, inputs = layer, X
    elif name == "VectorToSequence":
        model, inputs = layer, X[:, 0]
    elif isinstance(layer, (keras_seq.TreeCell, keras_seq.Recursive, keras_seq.TreeClassifier)):
        model, inputs = tree_model(layer), TREES
    elif isinstance(layer, (keras_seq.Attention, keras_seq.AttentionCell)):
        memory, mask = keras.Input((None, 4)), keras.Input((None,), dtype="bool")
        layer = keras_seq.Recurrent(layer) if name.endswith("Cell") else layer
        outputs = layer(memory, memory=memory, memory_mask=mask)
        model, inputs = keras.Model([memory, mask], outputs), [X, MASK]
    else:
        sequences, mask = keras.Input((None, 4)), keras.Input((None,), dtype="bool")
        layer = keras_seq.Recurrent(layer) if name.endswith("Cell") else layer
        model, inputs = keras.Model([sequences, mask], layer(sequences, mask=mask)), [X, MASK]
    before = numpy(model(inputs))
    model.save(tmp_path / "model.keras")
    after = numpy(keras.saving.load_model(tmp_path / "model.keras")(inputs))
    for one, other in zip(keras.tree.flatten(before), keras.tree.flatten(after), strict=True):
        np.testing.assert_array_equal(one, other)
