import numpy as np
import pytest

from pipelines.config import BatchConfig, DataConfig
from pipelines.errors import DataError
from pipelines.sources.trees import parse_tree, read_trees
from pipelines.trees import TreeConfig, load_trees

TRAIN = """\
(3 (2 It) (4 (2 's) (4 good)))
(1 (0 bad) (2 film))

(2 film)
(4 (3 (2 a) (3 (2 good) (2 film))) (4 !))
"""
DEV = "(3 (2 It) (1 (2 works) (2 .)))\n"


@pytest.fixture
def folder(tmp_path):
    for name, text in (("train", TRAIN), ("dev", DEV), ("test", DEV)):
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    return tmp_path


def load(folder, batch=None, **options):
    return load_trees(str(folder), TreeConfig(**options), BatchConfig(**(batch or {"batch_size": 2})), seed=1)


def test_nodes_are_numbered_as_their_brackets_open():
    tree = parse_tree("(3 (2 It) (4 (2 's) (4 good)))", "train.txt:1")
    assert tree.labels == ["3", "2", "4", "2", "4"]
    assert tree.words == ["", "It", "", "'s", "good"]
    assert tree.parents == [-1, 0, 0, 2, 2]
    assert tree.positions == [0, 0, 1, 0, 1]
    assert tree.depth == [0, 1, 1, 2, 2]
    assert (tree.arity, tree.place) == (2, "train.txt:1")


def test_any_arity_and_words_at_inner_nodes():
    tree = parse_tree("( S saw (N I)(N it (D all)) (V now))", "x")
    assert tree.words == ["saw", "I", "it", "all", "now"]
    assert tree.parents == [-1, 0, 0, 2, 0]
    assert tree.positions == [0, 0, 1, 0, 2]
    assert tree.arity == 3
    assert parse_tree("(2 so)", "x").arity == 0


def test_words_keep_what_is_no_bracket_or_blank():
    tree = parse_tree("(2 (2 1\\/2) (2 8\u00a01\\/2) (2 -LRB-))", "x")
    assert tree.words[1:] == ["1/2", "8\u00a01/2", "-LRB-"]


def test_trees_as_deep_and_as_wide_as_they_like():
    depth = 20_000
    chain = parse_tree("(1 " * depth + "so" + ")" * depth, "x")
    assert chain.depth == list(range(depth))
    star = parse_tree("(1 " + "(2 so)" * depth + ")", "x")
    assert star.arity == depth
    assert star.positions[1:] == list(range(depth))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("(3 (2 a)", "1 brackets never close"),
        ("(3 a))", "character 6: a bracket closes that never opened"),
        ("(3 a) (2 b)", "character 7: a second tree begins in this line"),
        ("so (2 b)", "character 1: 'so' stands outside of brackets"),
        ("(3)", "character 3: the node that closes here has no word and no children"),
        ("()", "character 2: the node that closes here has no word"),
        ("(3 a b)", "character 6: 'b' is one word too many after its word 'a'"),
        ("(3 (2 a) b)", "'b' is one word too many after its children"),
        ("((2 a))", "character 2: a child before the label of its parent"),
    ],
)
def test_bad_brackets_are_reported_with_file_and_line(tmp_path, line, message):
    path = tmp_path / "trees.txt"
    path.write_text(f"(2 fine)\n\n{line}\n")
    with pytest.raises(DataError) as error:
        list(read_trees(path, DataConfig()))
    assert f"{path}:3: " in str(error.value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read(tmp_path, folder):
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(DataError, match=r"empty.txt holds no trees"):
        list(read_trees(tmp_path / "empty.txt", DataConfig()))
    (tmp_path / "bytes.txt").write_bytes(b"(2 caf\xe9)\n")
    with pytest.raises(DataError, match=r"bytes.txt:1: not valid in utf-8"):
        list(read_trees(tmp_path / "bytes.txt", DataConfig()))
    (folder / "dev.txt").unlink()
    with pytest.raises(DataError, match=r"there is no file .*dev.txt: correct --data.dir"):
        load(folder)


def test_vocabulary_and_labels_are_those_of_the_training_trees(folder):
    data = load(folder)
    assert data.vocabulary == ["", "[UNK]", "film", "good", "!", "'s", "a", "bad", "it"]
    assert data.labels == ["0", "1", "2", "3", "4"]
    assert data.word_counts().tolist() == [0, 0, 3, 2, 1, 1, 1, 1, 1]
    assert data.arity == 2
    assert load(folder, lowercase=False, min_count=2).vocabulary == ["", "[UNK]", "film", "good"]
    (table, _, _), *_ = data.dataset("validation")
    assert table["ids"].numpy().tolist() == [[0, 8, 0, 1, 1]]
    (folder / "dev.txt").write_text("(3 so)\n(7 so)\n")
    with pytest.raises(DataError, match=r"dev.txt:2: the label '7' is none of the training labels"):
        load(folder)


def test_labels_need_not_be_numbers(folder):
    for name in ("train", "dev", "test"):
        (folder / f"{name}.txt").write_text("(S (10 so) (9 it) (NP goes))\n")
    assert load(folder).labels == ["9", "10", "NP", "S"]


def test_a_node_with_too_many_children_is_reported(folder):
    (folder / "test.txt").write_text("(2 so)\n(2 (2 a) (2 b) (2 c))\n")
    with pytest.raises(DataError, match=r"test.txt:2: a node has 3 children, but the model reads 2"):
        load(folder, arity=2)
    assert load(folder).arity == 3


def test_tables_spell_the_trees_again(folder):
    data = load(folder, batch={"batch_size": 2, "evaluation_batch_size": 3}, lowercase=False)
    lines = []
    for epoch in (0, 1):
        for table, labels, weights in data.train(epoch):
            rows = {name: values.numpy() for name, values in table.items()}
            assert {values.dtype for values in rows.values()} == {np.dtype("int32")}
            np.testing.assert_array_equal(weights, rows["depth"] >= 0)
            for row in range(len(labels)):
                lines.append(spell(data, {n: v[row] for n, v in rows.items()}, labels.numpy()[row]))
    written = [line for line in TRAIN.splitlines() if line]
    assert sorted(lines[:4]) == sorted(lines[4:]) == sorted(written)
    again = [table["ids"].numpy() for table, _, _ in data.train(1)]
    for one, other in zip(again, (table["ids"].numpy() for table, _, _ in data.train(1)), strict=True):
        np.testing.assert_array_equal(one, other)
    both = [table["ids"].numpy() for table, _, _ in data.train(0, epochs=2)]
    assert len(both) == 4
    for one, other in zip(both[2:], again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert data.root_labels("validation").tolist() == [3]


def spell(data, table, labels, node=0):
    """The tree in brackets that one row of a table holds."""
    children = [
        spell(data, table, labels, child)
        for child in np.argsort(table["positions"], kind="stable")
        if table["parents"][child] == node and table["depth"][child] == table["depth"][node] + 1
    ]
    word = [data.vocabulary[table["ids"][node]]] if table["ids"][node] else []
    return f"({' '.join([data.labels[labels[node]], *word, *children])})"


def test_wrong_options_are_refused():
    with pytest.raises(DataError, match="min_count must be at least 1"):
        TreeConfig(min_count=0)


def test_a_classifier_learns_from_the_batches(folder):
    import keras

    import keras_seq

    data = load(folder)
    keras.utils.set_random_seed(1)
    model = keras_seq.TreeClassifier(len(data.vocabulary), len(data.labels), keras_seq.NaryTreeLSTMCell(8))
    model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(data.train(0, epochs=30), steps_per_epoch=2, epochs=30, shuffle=False, verbose=0).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]


def test_stanford_sentiment_treebank(real_data):
    data = load_trees(str(real_data / "sst"), TreeConfig(arity=2), BatchConfig(), seed=1)
    assert [len(data.root_labels(split)) for split in ("train", "validation", "test")] == [8544, 1101, 2210]
    assert np.bincount(data.root_labels("test")).tolist() == [279, 633, 389, 510, 399]
