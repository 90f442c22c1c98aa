"""Memory that is freed stays with the process.

On a CPU TensorFlow asks the C library for the memory of each tensor. The GNU C library gives larger blocks back to the
system as soon as they are freed, and when the next tensor asks for one the system clears it, page by page. In a step of
a Transformer that was 45 % of the time (benchmarks/training_step.py). Imports no TensorFlow.
"""

import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # of malloc.h
_AT_ONCE = 64 << 20


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it has freed for what it needs next.

    Its memory no longer shrinks before it ends, so this is for processes that do one thing. In a program of one's own
    the environment variables `MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=67108864 MALLOC_MMAP_MAX_=0` do the
    same.

    Returns:
        Whether that could be set: with the GNU C library, which most of Linux has.
    """
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 -- others have a `mallopt` that means something else
        change = library.mallopt
    except (AttributeError, OSError, TypeError):
        return False
    options = ((_TRIM_THRESHOLD, -1), (_TOP_PAD, _AT_ONCE), (_MMAP_MAX, 0))
    done = [change(option, value) for option, value in options]
    return all(done)
