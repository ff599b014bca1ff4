"""Which types of weights llama.cpp copies into another order, for kernels that are quicker so.

From `ggml_repack_get_optimal_repack_type` of ggml/src/ggml-cpu/repack.cpp in the pinned llama.cpp.
Such weights are no longer shared with the page cache, so a plan must know.
"""

from __future__ import annotations

_WITH_AVX2 = frozenset({"Q4_0", "Q4_K", "IQ4_NL", "MXFP4"})
_WITH_AVX512 = frozenset({"Q2_K"})
_WITH_DOTPROD = frozenset({"Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "IQ4_NL", "MXFP4"})


def repacked_types(features: str) -> frozenset[str]:
    """Return the types that are copied by a build and CPU with such features, as
    `llama_print_system_info` lists them.
    """
    on = {
        name.rsplit(":", 1)[-1].strip()
        for name, equals, value in (entry.partition("=") for entry in features.split("|"))
        if equals and value.strip() not in {"0", ""}
    }
    if "REPACK" not in on:
        return frozenset()
    found: frozenset[str] = frozenset()
    if "AVX2" in on:
        found |= _WITH_AVX2
        if "AVX512" in on:
            found |= _WITH_AVX512
    if {"NEON", "DOTPROD"} <= on:
        found |= _WITH_DOTPROD
    return found
