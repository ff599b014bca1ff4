"""What may be made from what.

Quantising loses precision that nothing brings back, so a model that has lost much already is no
source: from 8 bits per weight on (Q8_0, F16 and larger), what was lost cannot be noticed, and such
models may be quantised; smaller ones only where the user insists, as with llama-quantize's
--allow-requantize.
"""

from __future__ import annotations

from llmd.errors import InvalidRequest
from llmd.models.quantization.types import FileType, bits_of
from llmd.protocol.models import ModelManifest

GOOD_SOURCE = 8.0
"""Bits per weight from which on a model is a source for quantising."""


def refusal(source: ModelManifest, target: FileType) -> str:
    """Return why `source` should not become `target`, as a sentence; empty: it may."""
    bits = bits_of(source.quantization)
    if not bits:
        return f"{source.name} is {source.quantization}, whose quality is not known."
    if bits <= target.bits:
        return (
            f"{source.name} is {source.quantization} already: {target.name} would be "
            f"{'no smaller' if bits == target.bits else 'larger'} and no better."
        )
    if bits < GOOD_SOURCE:
        return (
            f"{source.name} is {source.quantization}: quantising that once more loses much more "
            f"than {target.name} has to."
        )
    return ""


def check(source: ModelManifest, target: FileType, *, requantize: bool) -> None:
    """Raise InvalidRequest when `source` should not become `target`, unless the user insists."""
    reason = "" if requantize else refusal(source, target)
    if reason:
        raise InvalidRequest(
            reason,
            hint="Quantise from F16, BF16 or Q8_0; --requantize does it all the same.",
            param="model",
        )
