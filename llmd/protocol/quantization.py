"""Quantising a model: what the quantising program is told, what it says, and what users see of it.

The program gets one `QuantizeOrder` or `Survey` as a JSON line and answers in JSON lines: `Sized`
once for each type it was asked about, any number of `Advanced`, then `Written`, `Surveyed` or
`Refused`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Recipe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a model is quantised."""

    type: str
    """Name of the file type, such as `Q4_K_M`."""
    imatrix: str = ""
    """Absolute path of an importance matrix; empty: all weights count alike."""
    output_tensor_type: str = ""
    """Type of the output tensor, such as `Q8_0`; empty: as the file type has it."""
    token_embedding_type: str = ""
    """The same for the token embeddings."""
    keep_split: bool = False
    """Whether a model in parts stays in as many parts; else it becomes one file."""
    requantize: bool = False
    """Whether weights that lost much already may be quantised once more."""
    threads: int = 0
    """CPU threads; 0: half of the physical cores, at least one."""


class QuantizeOrder(msgspec.Struct, frozen=True, kw_only=True, tag="quantize"):
    """Quantise one model."""

    source: str
    """Path of the GGUF, or of the first part of a split one."""
    folder: str
    """Where to write; it is there, and empty."""
    stem: str
    """Name of the new file without `.gguf`; parts get their number behind it."""
    recipe: Recipe
    spare: int = 0
    """Bytes of disk that must stay free."""


class Survey(msgspec.Struct, frozen=True, kw_only=True, tag="survey"):
    """Tell what sizes a model would have; nothing is written."""

    source: str
    types: list[str]


class Sized(msgspec.Struct, frozen=True, tag_field="kind", tag="sized"):
    """What a model would be as one type, reckoned by llama.cpp tensor by tensor."""

    type: str
    size: int
    """Bytes of all tensors; llama.cpp says it to about ten kilobytes."""
    bits: float
    """Per weight."""
    needs_imatrix: bool = False
    fallbacks: int = 0
    """Tensors whose rows do not divide into blocks of this type, and become a larger one."""
    refusal: str = ""
    """Why the model cannot become this, as a sentence; empty: it can."""


class Advanced(msgspec.Struct, frozen=True, tag_field="kind", tag="advanced"):
    """One more tensor is about to be written."""

    tensor: int
    """Its number, from 1."""
    tensors: int
    name: str
    done: int
    """Bytes written so far."""
    total: int
    """Bytes of the new model."""


class Written(msgspec.Struct, frozen=True, tag_field="kind", tag="written"):
    """The new model is on the disk, whole."""

    files: list[str]
    """Absolute paths, parts in order."""
    size: int
    seconds: float


class Surveyed(msgspec.Struct, frozen=True, tag_field="kind", tag="surveyed"):
    """All sizes have been told."""


class Refused(msgspec.Struct, frozen=True, tag_field="kind", tag="refused"):
    """It could not be done; `error` is an LlmdError's wire form."""

    error: dict[str, Any]


Work = QuantizeOrder | Survey
Said = Sized | Advanced | Written | Surveyed | Refused


class QuantizeProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How quantising stands; sent a few times a second."""

    status: str
    """`waiting` (for another one to end), `measuring`, `quantizing`, `registering` or `done`."""
    name: str
    """Of the new model."""
    source: str = ""
    """Of the model it is made from."""
    type: str = ""
    tensor: int = 0
    """Number of the tensor at work, from 1."""
    tensors: int = 0
    file: str = ""
    """Name of that tensor."""
    done: int = 0
    """Bytes written."""
    total: int = 0
    """Bytes of the new model; 0: not known yet."""
    rate: float = 0.0
    """Bytes written per second, lately."""


class TypeCard(msgspec.Struct, frozen=True, kw_only=True):
    """A type that models can be quantised to; a row of `llmd quantize --list`."""

    name: str
    bits: float
    """Per weight, of a model of common shape."""
    purpose: str
    needs_imatrix: bool = False
    size: int | None = None
    """Bytes the model asked about would have; None: none was named."""
    model_bits: float | None = None
    """Bits per weight of that model."""
    refusal: str = ""
    """Why the model asked about cannot become this; empty: it can."""
