"""What all tests share: a quiet, deterministic TensorFlow and the way to real data."""

import os
from pathlib import Path

import pytest

from apps.freed_memory import keep_freed_memory

keep_freed_memory()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Tests run side by side, a process a core; the threads of each would only wait for those of the others.
for threads in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
# JAX compiles each loop of each shape anew, for tests that run it once: the less it thinks about it, the better.
if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")


@pytest.fixture
def real_data() -> Path:
    """The folder of real data sets, named by KERAS_SEQ_DATA; the test is skipped without it."""
    folder = os.environ.get("KERAS_SEQ_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real data: set KERAS_SEQ_DATA to its folder")
    return Path(folder)
