"""A model that could read, write or run something is refused by name before any of it has run."""

from pathlib import Path

import pytest
import tensorflow as tf

from apps.errors import UserError
from apps.serving import graph_allowed, metadata, registry
from apps.serving.allowed_operations import ALLOWED, CHECKPOINT
from apps.serving.export import export_model
from apps.serving.model_card import Card
from pipelines.config import TextConfig
from pipelines.corpus_config import VocabularyConfig
from pipelines.corpus_vocabulary import learn_text_tokenizer
from pipelines.encoding import learn_tokenizer
from pipelines.text.sentence import SentenceTokenizer, marked_tokenizer

SHIPPED = registry.list_models(Path(registry.__file__).parents[2] / "saved_models")
TEXT = [tf.TensorSpec([None], tf.string, name="text")]


def _answer(text):
    return {"label": text, "probabilities": tf.ones([tf.size(text), 1])}


def _write_model(directory, function, owner=None):
    """A model as an ill-meaning person would write it: with all digests in order."""
    module = owner or tf.Module()
    folder = directory / "bad" / "1"
    tf.saved_model.save(module, str(folder), signatures={"serving_default": function})
    fields = {"name": "bad", "version": 1, "task": "sentiment", "created": "2026-01-01", "signatures": {}, "labels": []}
    metadata.write(folder, metadata.seal(folder, fields))
    return registry.find("bad", directory)


@pytest.fixture(scope="module")
def harmless(tmp_path_factory):
    """The folder of a model with a variable and a table, and so with functions that save and restore."""

    class Owner(tf.Module):
        def __init__(self):
            self.scale = tf.Variable(2.0)
            self.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1.0]), 0.0)

    owner = Owner()

    @tf.function(input_signature=TEXT)
    def serve(text):
        return {"label": text, "probabilities": (owner.scale * owner.table.lookup(text))[:, None]}

    folder = tmp_path_factory.mktemp("harmless")
    return export_model(
        {"serving_default": serve}, [owner], "m", folder, metadata={"task": "t"}, card=Card("Looks up."), check=False
    ).path


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.key)
def test_shipped_models_are_allowed(entry):
    assert graph_allowed.refused_operations(graph_allowed.read_graph(entry.path)) == []


SENTENCES = ["the cat sat on the mat and the dog sat on the cat", "电影 café", "a b c d e f g h"] * 3


@pytest.mark.parametrize(
    ("task", "level"),
    [("sentiment", "word"), ("sentiment", "subword")]
    + [(task, level) for task in ("text_generation", "translation") for level in ("character", "word", "subword")],
)
def test_what_every_tokenizer_does_is_allowed(task, level):
    if task == "sentiment":
        tokenizer = learn_tokenizer(SENTENCES, TextConfig(tokenizer=level, vocabulary_size=300, min_count=1))
    else:
        tokenizer = learn_text_tokenizer(SENTENCES, VocabularyConfig(level=level, min_count=1))
    tokenizer = SentenceTokenizer(marked_tokenizer(tokenizer)) if task == "translation" else tokenizer

    @tf.function(input_signature=TEXT)
    def serve(text):
        ids = tokenizer.encode(text)
        pieces = tokenizer.tokenize(text)
        return ids, pieces, [] if task == "sentiment" else tokenizer.decode(ids)

    graph = serve.get_concrete_function().graph.as_graph_def()
    used = {node.op for node in graph.node}
    used |= {node.op for function in graph.library.function for node in function.node_def}
    assert used - ALLOWED == set()


def test_lists_hold_operations_that_there_are_and_none_of_these():
    known = {name for name in ALLOWED | CHECKPOINT if not hasattr(tf.raw_ops, name)}
    assert known <= {"FakeParam", "Const", "Placeholder", "VarHandleOp"}  # those that raw_ops leaves out
    for name in (
        "ReadFile",
        "WriteFile",
        "PyFunc",
        "EagerPyFunc",
        "MatchingFiles",
        "RpcCall",
        "PrintV2",
        "ImmutableConst",
    ):
        assert name not in ALLOWED | CHECKPOINT
    assert not ALLOWED & CHECKPOINT


def _reads(text):
    return {"label": tf.io.read_file(text[0])[None], "probabilities": tf.ones([1, 1])}


def _calls_python(text):
    return _answer(tf.numpy_function(lambda value: value, [text], tf.string))


def _writes_in_a_branch_of_a_loop(text):
    def write(i):
        tf.io.write_file(tf.strings.join([text[0], ".out"]), "x")
        return i + 1

    def step(i):
        return tf.cond(i > 1, lambda: write(i), lambda: i + 1)

    tf.while_loop(lambda i: i < 3, step, [0])
    return _answer(text)


def _lists_files(text):
    return _answer(tf.io.matching_files(text))


def _saves(text):
    tf.raw_ops.SaveV2(prefix=text[0], tensor_names=["a"], shape_and_slices=[""], tensors=[tf.constant(1.0)])
    return _answer(text)


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        (_reads, "ReadFile"),
        (_calls_python, "PyFunc"),
        (_writes_in_a_branch_of_a_loop, "WriteFile"),
        (_lists_files, "MatchingFiles"),
        (_saves, "SaveV2"),
    ],
)
def test_operation_is_named_and_nothing_is_loaded(tmp_path, monkeypatch, body, operation):
    entry = _write_model(tmp_path, tf.function(body, input_signature=TEXT))
    assert registry.verify(entry) == []
    monkeypatch.setattr(tf.saved_model, "load", lambda *_: pytest.fail("the model was loaded"))
    with pytest.raises(UserError, match=rf"bad/1 is not loaded: operation {operation} in function \w+") as caught:
        registry.load(entry)
    assert "\n" not in str(caught.value)


def test_what_would_run_while_loading_does_not(tmp_path):
    """The initialiser of a table runs before anybody asks for anything."""
    trace = tmp_path / "trace"

    class Spy(tf.lookup.KeyValueTensorInitializer):
        def initialize(self, table):
            tf.io.write_file(str(trace), "was here")
            return super().initialize(table)

    class Owner(tf.Module):
        def __init__(self):
            self.table = tf.lookup.StaticHashTable(Spy(["a"], [1.0]), 0.0)

    owner = Owner()

    @tf.function(input_signature=TEXT)
    def serve(text):
        return {"probabilities": owner.table.lookup(text)}

    entry = _write_model(tmp_path, serve, owner)
    trace.unlink()
    with pytest.raises(UserError, match="WriteFile in function __inference__initializer"):
        registry.load(entry)
    assert not trace.exists()
    tf.saved_model.load(str(entry.path))
    assert trace.read_text() == "was here"


def _graph_of(path):
    model = graph_allowed.read_graph(path)
    assert graph_allowed.refused_operations(model) == []
    graph = model.meta_graphs[0]
    saver = next(f.signature.name for f in graph.graph_def.library.function if "traced_save" in f.signature.name)
    return model, graph, saver


def test_way_to_the_functions_of_the_checkpoint_is_refused(harmless):
    refused = "operation SaveV2 in function __inference__traced_save"
    for name in ("any", None):  # None: called as the node that may, but elsewhere
        model, graph, saver = _graph_of(harmless)
        node = next(f for f in graph.graph_def.library.function if f.signature.name != saver).node_def.add()
        node.name, node.op = name or graph.saver_def.save_tensor_name.partition(":")[0], "PartitionedCall"
        node.attr["f"].func.name = saver
        assert any(line.startswith(refused) for line in graph_allowed.refused_operations(model))
    model, graph, saver = _graph_of(harmless)
    graph.graph_def.node.add(name="call", op=saver)
    found = graph_allowed.refused_operations(model)
    assert found[0] == f"operation {saver} in the main graph"
    assert any(line.startswith(refused) for line in found)
    model, graph, saver = _graph_of(harmless)
    graph.object_graph_def.nodes.add().bare_concrete_function.concrete_function_name = saver
    assert any(line.startswith(refused) for line in graph_allowed.refused_operations(model))
    model, graph, saver = _graph_of(harmless)
    graph.saver_def.Clear()
    assert any(line.startswith(refused) for line in graph_allowed.refused_operations(model))


def test_unknown_operation_is_refused_by_its_name(harmless):
    model, graph, _ = _graph_of(harmless)
    graph.graph_def.library.function[0].node_def.add(name="n", op="MyCustomOp")
    (line,) = graph_allowed.refused_operations(model)
    assert line == f"operation MyCustomOp in function {graph.graph_def.library.function[0].signature.name}"


def test_damaged_graph_is_one_line(harmless, tmp_path):
    content = (harmless / "saved_model.pb").read_bytes()
    model = graph_allowed.read_graph(harmless)
    model.meta_graphs[0].ClearField("object_graph_def")
    for damaged in (b"", b"no graph", content[: len(content) // 2], model.SerializeToString()):
        (tmp_path / "saved_model.pb").write_bytes(damaged)
        with pytest.raises(graph_allowed.DamagedGraphError, match=r"saved_model\.pb is damaged"):
            graph_allowed.read_graph(tmp_path)
    with pytest.raises(graph_allowed.DamagedGraphError, match="missing"):
        graph_allowed.read_graph(tmp_path / "nowhere")


def test_export_of_what_would_be_refused_leaves_nothing(tmp_path):
    function = tf.function(_reads, input_signature=TEXT)
    with pytest.raises(UserError, match=r"ReadFile in function \w+ is not in apps/serving/allowed_operations\.py"):
        export_model({"serving_default": function}, [], "m", tmp_path, metadata={"task": "t"}, card=Card("Reads."))
    assert list(tmp_path.rglob("saved_model.pb")) == []
