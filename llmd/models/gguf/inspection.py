"""Decides from headers alone whether a GGUF file, with all its parts, can be served, and describes
it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llmd.errors import CorruptFile, UnsupportedArchitecture
from llmd.models.gguf.architectures import ENCODERS, KNOWN
from llmd.models.gguf.description import TEMPLATE, Sort
from llmd.models.gguf.header import Header
from llmd.models.gguf.parts import parts
from llmd.models.gguf.reading import read_model
from llmd.protocol.models import Kind

__all__ = ["Inspection", "has_head", "inspect", "parts"]

_NOT_MODELS = {
    "clip": "the projector of a vision model, not a language model",
    "adapter": "a LoRA adapter, not a model of its own",
    "mmproj": "the projector of a vision model, not a language model",
    "imatrix": "an importance matrix, not a model",
}
_RANK = 4
# how clip.cpp names the tensors of its encoders, and no model of llama.cpp's its own
_ENCODER_PREFIXES = ("v.", "a.", "mm.")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a manifest needs to know about a file."""

    files: tuple[Path, ...]
    """All parts in order; one for a file that is not split."""
    size: int
    architecture: str
    kind: Kind
    parameters: int
    quantization: str
    context_length: int
    has_chat_template: bool
    width: int = 0
    """Of its embeddings; 0: it does not say."""


def inspect(path: Path) -> Inspection:
    """Describe a file that llama.cpp will load.

    Raises NotFound for a path that is no readable file, CorruptFile for a damaged or incomplete
    one, UnsupportedArchitecture for what llama.cpp does not know or cannot serve.
    """
    found = read_model(path)
    first = found.headers[0]
    architecture = _architecture(path, first)
    if found.description.sort is Sort.VOCABULARY:
        raise CorruptFile(
            f"{path} has no weights, only a vocabulary.",
            hint="Fetch the whole model.",
            path=str(path),
        )
    _check_projector_apart(path, architecture, found.headers)
    return Inspection(
        files=found.files,
        size=found.size,
        architecture=architecture,
        kind=_kind(architecture, first),
        parameters=found.facts.parameters,
        quantization=found.description.quantization,
        context_length=found.facts.context_length,
        has_chat_template=bool(first.values.get(TEMPLATE)),
        width=found.facts.width,
    )


def has_head(path: Path) -> bool:
    """Whether a readable model has a classification head to rank with."""
    return any(
        tensor.name.startswith("cls.")
        for header in read_model(path).headers
        for tensor in header.tensors
    )


def _architecture(path: Path, header: Header) -> str:
    name = header.values.get("general.architecture")
    if not isinstance(name, str) or not name:
        raise CorruptFile(
            f"{path} does not say which architecture it has.", hint="Fetch a complete GGUF file."
        )
    sort = header.values.get("general.type", "model")
    reason = _NOT_MODELS.get(name) or (_NOT_MODELS.get(sort) if isinstance(sort, str) else None)
    if reason:
        raise UnsupportedArchitecture(
            f"{path} is {reason}.",
            hint="Name the GGUF file of the model itself.",
            architecture=name,
        )
    if name not in KNOWN:
        raise UnsupportedArchitecture(
            f"{path} has the architecture {name!r}, which llama.cpp does not know.",
            hint="Update llmd, or take a model of another architecture.",
            architecture=name,
        )
    return name


def _check_projector_apart(path: Path, architecture: str, headers: Iterable[Header]) -> None:
    """Refuse weights of an encoder in the model's own file, which Ollama's engine wants there and
    llama.cpp ends loading at ("wrong number of tensors").
    """
    if any(t.name.startswith(_ENCODER_PREFIXES) for header in headers for t in header.tensors):
        raise UnsupportedArchitecture(
            f"{path} holds its own vision or audio encoder, as Ollama's engine has it; llama.cpp "
            "takes that from a file apart.",
            hint="Take a GGUF of this model with an mmproj file beside it, as on the Hugging Face "
            "hub.",
            architecture=architecture,
        )


def _kind(architecture: str, header: Header) -> Kind:
    pooling = _positive(header, f"{architecture}.pooling_type")
    if pooling == _RANK:
        return Kind.RERANK
    # beyond them is -1 without a sign: it does not say
    pooled = 0 < pooling < _RANK
    return Kind.EMBEDDING if pooled or architecture in ENCODERS else Kind.CHAT


def _positive(header: Header, key: str) -> int:
    value = header.values.get(key)
    return value if isinstance(value, int) and value > 0 else 0
