"""Memory that is freed is not given back and asked for again."""

import os
import platform
import subprocess
import sys

import pytest

from apps import freed_memory

SIZE, TIMES = 40 << 20, 30  # from 32 MB on a block is always given back
PROGRAM = f"""
import ctypes, resource, sys, threading
from apps.freed_memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
def work():
    for _ in range({TIMES}):
        block = ctypes.c_void_p(library.malloc({SIZE}))
        ctypes.memset(block, 1, {SIZE})
        library.free(block)
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt * resource.getpagesize())
"""


def cleared_bytes(how):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    program = [sys.executable, "-c", PROGRAM, how]
    done = subprocess.run(program, capture_output=True, text=True, check=True, env=environment)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
def test_a_block_is_cleared_by_the_system_once():
    assert cleared_bytes("leave") > 0.9 * SIZE * TIMES
    assert cleared_bytes("keep") < 0.1 * SIZE * TIMES + 3 * SIZE


class Other:
    """A C library that is not GNU's."""

    def mallopt(self, option, value):
        pytest.fail("means something else there")


def test_nothing_happens_elsewhere(monkeypatch):
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: Other())
    assert not freed_memory.keep_freed_memory()
