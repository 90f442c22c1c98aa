import pytest

from apps.processor import multiplies_bfloat16


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse2 avx512f avx512_bf16\n", True),
        ("flags : fpu avx2 amx_bf16 amx_tile", True),
        ("Features : fp asimd bf16", True),
        ("flags : fpu avx2 avx512f", False),
        ("processor : 0\nmodel name : something", None),
    ],
)
def test_the_flags_of_the_processor_decide(tmp_path, text, answer):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(text)
    assert multiplies_bfloat16(cpuinfo) is answer


def test_another_system_cannot_tell(tmp_path):
    assert multiplies_bfloat16(tmp_path / "missing") is None
