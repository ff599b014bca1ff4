"""Every file type that llama.cpp's quantiser writes, largest first.

Ids are `llama_ftype`. Bits per weight are those of Llama 3.1 8B in llama.cpp's
tools/quantize/README.md, where it lists the type, else those of its blocks; tests compare ids and
needs with the library itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmd.errors import InvalidRequest
from llmd.models.names import near_misses

_TAIL = re.compile(r"^(?:UD[-_])?(?P<type>.*?)(?:[-_](?:XL|L))?$")


@dataclass(frozen=True, slots=True)
class FileType:
    """A mix of tensor types that models are written in."""

    name: str
    file_type: int
    bits: float
    """Per weight, of a model of common shape."""
    purpose: str
    needs_imatrix: bool = False
    """Whether most models need an importance matrix for it."""


TYPES = (
    FileType("F32", 0, 32.0, "what training left, where it was that; twice the size for nothing"),
    FileType("F16", 1, 16.0, "unquantised; the best to quantise from"),
    FileType("BF16", 32, 16.0, "unquantised, range of float32; slow on older CPUs"),
    FileType("Q8_0", 7, 8.5, "no loss one could notice, half of F16; draft and embedding models"),
    FileType("Q6_K", 18, 6.56, "hardly any loss"),
    FileType("Q5_1", 9, 6.0, "older; take Q5_K_M, unless rows are no multiple of 256"),
    FileType("Q5_K_M", 17, 5.7, "very little loss"),
    FileType("Q5_K_S", 16, 5.57, "very little loss, slightly smaller"),
    FileType("Q5_0", 8, 5.57, "older; take Q5_K_S, unless rows are no multiple of 256"),
    FileType("Q4_1", 3, 5.1, "older; take Q4_K_M, unless rows are no multiple of 256"),
    FileType("Q4_K_M", 15, 4.89, "the usual choice: little loss, less than a third of F16"),
    FileType("IQ4_NL", 25, 4.68, "as Q4_K_S, in blocks of 32; quick on ARM"),
    FileType("Q4_K_S", 14, 4.67, "little loss, slightly smaller than Q4_K_M"),
    FileType("Q4_0", 2, 4.64, "the quickest on CPUs, which repack it; some loss"),
    FileType("IQ4_XS", 30, 4.46, "little loss for its size; better with an importance matrix"),
    FileType("Q3_K_L", 13, 4.3, "noticeable loss"),
    FileType("MXFP4_MOE", 38, 4.25, "experts in 4-bit floats, the rest in Q8_0; for gpt-oss"),
    FileType("Q3_K_M", 12, 4.0, "noticeable loss; where Q4 does not fit"),
    FileType("IQ3_M", 27, 3.76, "better than Q3_K_M at its size, slower on CPUs"),
    FileType("IQ3_S", 26, 3.66, "better than Q3_K_S at its size, slower on CPUs"),
    FileType("Q3_K_S", 11, 3.64, "high loss"),
    FileType("IQ3_XS", 22, 3.5, "high loss", needs_imatrix=True),
    FileType("IQ3_XXS", 23, 3.25, "high loss; for models of 30B and more", needs_imatrix=True),
    FileType("Q2_K", 10, 3.16, "very high loss; the smallest without an importance matrix"),
    FileType("Q2_K_S", 21, 2.97, "very high loss", needs_imatrix=True),
    FileType("IQ2_M", 29, 2.93, "very high loss; for models of 70B and more", needs_imatrix=True),
    FileType("IQ2_S", 28, 2.74, "very high loss; for models of 70B and more", needs_imatrix=True),
    FileType("IQ2_XS", 20, 2.59, "extreme loss", needs_imatrix=True),
    FileType("IQ2_XXS", 19, 2.38, "extreme loss", needs_imatrix=True),
    FileType("Q2_0", 41, 2.25, "for models trained in two bits; ruins others"),
    FileType("IQ1_M", 31, 2.15, "extreme loss", needs_imatrix=True),
    FileType("TQ2_0", 37, 2.06, "for models trained in three values (BitNet); ruins others"),
    FileType("IQ1_S", 24, 2.0, "extreme loss", needs_imatrix=True),
    FileType("TQ1_0", 36, 1.69, "as TQ2_0, smaller and slower"),
    FileType("Q1_0", 40, 1.13, "for models trained in one bit; ruins others"),
)

_BY_NAME = {kind.name: kind for kind in TYPES}
_ALIASES = {
    "FP32": "F32",
    "FP16": "F16",
    "Q3_K": "Q3_K_M",
    "Q4_K": "Q4_K_M",
    "Q5_K": "Q5_K_M",
    "MXFP4": "MXFP4_MOE",
    "INT8": "Q8_0",
    "INT4": "Q4_K_M",
}


def known(text: str) -> FileType | None:
    """Return the type of a name in any case, or None; `Q4_K` and its like mean the medium mix."""
    name = text.strip().upper().replace("-", "_")
    return _BY_NAME.get(_ALIASES.get(name, name))


def find(text: str) -> FileType:
    """Return the type of a name in any case; raise InvalidRequest with near names."""
    if kind := known(text):
        return kind
    near = near_misses(text.upper(), _BY_NAME)
    raise InvalidRequest(
        f"There is no quantisation type {text[:60]!r}.",
        hint=(f"Did you mean {' or '.join(near)}? " if near else "")
        + "`llmd quantize --list` has them all.",
        param="quantization",
        suggestions=near,
    )


def bits_of(quantization: str) -> float:
    """Return the bits per weight that a label of a file promises, publishers' own mixes
    (`UD-Q4_K_XL`, `Q4_K_L`) included; 0: the label says nothing.
    """
    if kind := known(quantization):
        return kind.bits
    tail = _TAIL.match(quantization.upper())
    kind = known(tail["type"]) if tail else None
    return kind.bits if kind else 0.0
