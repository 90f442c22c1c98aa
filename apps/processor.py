"""What the processor can do that decides how fast a training is."""

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # x86, x86, Arm


def multiplies_bfloat16(cpuinfo: Path = CPUINFO) -> bool | None:
    """Whether the processor has instructions for products in bfloat16; None where that cannot be told.

    Without them such products are emulated, several times slower than float32.
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return bool(BFLOAT16_FLAGS & set(value.split()))
    return None
