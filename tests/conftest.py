"""What all tests share: a quiet, deterministic TensorFlow and the way to real data."""

import gc
import multiprocessing
import os
import runpy
import sys
from pathlib import Path

import pytest

from apps.freed_memory import keep_freed_memory

RUN_CODE = Path(__file__).with_name("run_code.py")

keep_freed_memory()
# What is imported stays; looking for garbage among it again and again takes a twentieth of the time.
gc.freeze()
gc.set_threshold(50_000, 20, 50)
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


@pytest.fixture(scope="session")
def start_apart(processes, tmp_path_factory):
    """`start_apart(code, *arguments, text="")` starts a program in a process of its own.

    It returns the process and the path of its files, of which `.out` and `.err` are what it writes. The seed by which
    Python hashes strings is not the one of this process.
    """
    started = []

    def start(code, *arguments, text=""):
        files = tmp_path_factory.mktemp("apart") / "program"
        for name, content in (("in", text), ("out", ""), ("err", "")):
            Path(f"{files}.{name}").write_text(content, encoding="utf-8")
        given = {"code": code, "arguments": [str(argument) for argument in arguments], "files": str(files)}
        process = processes.Process(target=runpy.run_path, args=(str(RUN_CODE), {"given": given}))
        process.start()
        started.append(process)
        return process, files

    yield start
    for process in started:
        if process.is_alive():
            process.kill()
            process.join()


@pytest.fixture
def run_apart(start_apart):
    """`run_apart(code, *arguments, text="")` runs such a program to its end and returns what it prints."""

    def run(code, *arguments, text=""):
        process, files = start_apart(code, *arguments, text=text)
        process.join(300)
        assert process.exitcode == 0, Path(f"{files}.err").read_text(encoding="utf-8")
        return Path(f"{files}.out").read_text(encoding="utf-8")

    return run
