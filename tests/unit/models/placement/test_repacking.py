from __future__ import annotations

from llmd.models.placement.repacking import repacked_types

X86 = "CPU : SSE3 = 1 | AVX2 = 1 | AVX512 = {} | LLAMAFILE = 1 | REPACK = 1 | "
ARM = "Metal : EMBED_LIBRARY = 1 | CPU : NEON = 1 | ARM_FMA = 1 | DOTPROD = 1 | REPACK = 1 | "


def test_what_is_repacked_depends_on_the_cpu() -> None:
    assert "Q4_K" in repacked_types(X86.format(0))
    assert "Q2_K" not in repacked_types(X86.format(0))
    assert "Q2_K" in repacked_types(X86.format(1))
    assert "Q8_0" in repacked_types(ARM)
    assert "Q8_0" not in repacked_types(X86.format(1))


def test_builds_without_it_repack_nothing() -> None:
    assert repacked_types("") == repacked_types("CPU : AVX2 = 1 | REPACK = 0") == frozenset()
    assert repacked_types("CPU : SSE3 = 1 | REPACK = 1") == frozenset()
