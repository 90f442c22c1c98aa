"""Checkpoints: read back as written, and never from a damaged file."""

import numpy as np
import pytest

from apps.errors import UserError
from apps.runs.checkpoints import CheckpointStore


def save(store, *steps, best=None):
    for step in steps:
        store.save(step, {"weights/0000": np.full((2, 3), step, np.float32)}, {"step": step}, best)


def kept(store):
    return sorted(int(path.name[5:13]) for path in store.folder.glob("*.npz"))


def damage(store, step, how):
    (file,) = store.folder.glob(f"step-{step:08d}-*")
    content = file.read_bytes()
    file.write_bytes(how(content))


DAMAGES = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "one bit": lambda content: content[:150] + bytes([content[150] ^ 1]) + content[151:],
    "garbage": lambda content: b"garbage",
}


def test_arrays_and_progress_come_back(tmp_path):
    store = CheckpointStore(tmp_path / "checkpoints")
    random = np.random.default_rng(0)
    arrays = {
        "weights/0000": random.normal(size=(3, 4)).astype(np.float32),
        "random/0000": np.array([1, 2**32 - 1], np.uint32),
        "optimizer/0000": np.array(7, np.int64),
    }
    store.save(12, arrays, {"epoch": 3, "best": {"value": 0.1 + 0.2}}, None)
    checkpoint = store.load_newest(pytest.fail)
    assert checkpoint.step == 12
    assert checkpoint.progress == {"epoch": 3, "best": {"value": 0.1 + 0.2}}
    assert checkpoint.arrays.keys() == arrays.keys()
    for name, value in arrays.items():
        assert checkpoint.arrays[name].dtype == value.dtype
        np.testing.assert_array_equal(checkpoint.arrays[name], value)


def test_two_newest_and_the_best_are_kept(tmp_path):
    store = CheckpointStore(tmp_path)
    save(store, 1, 2)
    save(store, 3, 4, 5, 10, best=2)
    assert kept(store) == [2, 5, 10]
    save(store, 11, best=11)
    assert kept(store) == [10, 11]


def test_step_that_is_written_again_replaces_the_first(tmp_path):
    store = CheckpointStore(tmp_path)
    save(store, 1, 2)
    store.save(2, {"weights/0000": np.zeros(1)}, {"epoch": 1}, None)
    assert kept(store) == [1, 2]
    assert store.load_newest(pytest.fail).progress == {"epoch": 1}


@pytest.mark.parametrize("how", DAMAGES.values(), ids=DAMAGES)
def test_damaged_newest_falls_back_to_the_one_before(tmp_path, how):
    store = CheckpointStore(tmp_path)
    save(store, 1, 2)
    damage(store, 2, how)
    lines = []
    assert store.load_newest(lines.append).step == 1
    assert len(lines) == 1
    assert "step-00000002" in lines[0]
    assert store.load(2) is None


def test_all_damaged_is_an_error_and_none_at_all_is_not(tmp_path):
    store = CheckpointStore(tmp_path)
    assert store.load_newest(pytest.fail) is None
    save(store, 1, 2)
    for step in (1, 2):
        damage(store, step, DAMAGES["cut"])
    with pytest.raises(UserError, match=r"All 2 checkpoints .* are corrupt\. Restore one"):
        store.load_newest(lambda line: None)


def test_other_files_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "step-1.npz").write_text("mine")
    store = CheckpointStore(tmp_path)
    save(store, 1, 2, 3, 4)
    assert {"notes.txt", "step-1.npz"} <= {path.name for path in tmp_path.iterdir()}
    assert store.load_newest(pytest.fail).step == 4
