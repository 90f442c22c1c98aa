"""What all tests share: a quiet, deterministic TensorFlow and the way to real data."""

import multiprocessing
import os
import runpy
import sys
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


@pytest.fixture(scope="session")
def processes():
    """Makes processes that are not this one: in Linux forks of one that has imported TensorFlow and not yet used it."""
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        context.set_forkserver_preload(["tensorflow", "keras", "apps.runs.trainer", "pipelines.sentiment"])
    return context


@pytest.fixture
def run_apart(processes, tmp_path_factory):
    """`run_apart(code, *arguments, text="")` runs a program in a process of its own and returns what it prints.

    The seed by which Python hashes strings is not the one of this process.
    """

    def run(code, *arguments, text=""):
        files = tmp_path_factory.mktemp("apart") / "program"
        for name, content in (("in", text), ("out", ""), ("err", "")):
            Path(f"{files}.{name}").write_text(content, encoding="utf-8")
        given = {"code": code, "arguments": [str(argument) for argument in arguments], "files": str(files)}
        script = Path(__file__).with_name("run_code.py")
        process = processes.Process(target=runpy.run_path, args=(str(script), {"given": given}))
        process.start()
        process.join(300)
        if process.exitcode is None:
            process.kill()
        assert process.exitcode == 0, Path(f"{files}.err").read_text(encoding="utf-8")
        return Path(f"{files}.out").read_text(encoding="utf-8")

    return run
