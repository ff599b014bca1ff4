"""Decides from headers alone whether a GGUF file, with all its parts, can be served, and describes
it.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from llmd.errors import CorruptFile, NotFound, UnsupportedArchitecture
from llmd.models.gguf.architectures import ENCODERS, KNOWN
from llmd.models.gguf.file_types import FILE_TYPES, GUESSED
from llmd.models.gguf.header import Header, read_header
from llmd.protocol.models import Kind

_PART = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_NOT_MODELS = {
    "clip": "the projector of a vision model, not a language model",
    "adapter": "a LoRA adapter, not a model of its own",
    "mmproj": "the projector of a vision model, not a language model",
    "imatrix": "an importance matrix, not a model",
}
_NAMED_PARTS = 5
_RANK = 4


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
    files = parts(path)
    headers = [_complete_header(file) for file in files]
    first = headers[0]
    architecture = _architecture(path, first)
    if not any(header.tensors for header in headers):
        raise CorruptFile(
            f"{path} has no weights, only a vocabulary.",
            hint="Fetch the whole model.",
            path=str(path),
        )
    return Inspection(
        files=files,
        size=sum(header.file_size for header in headers),
        architecture=architecture,
        kind=_kind(architecture, first),
        parameters=sum(tensor.weights for header in headers for tensor in header.tensors),
        quantization=_quantization(first, headers),
        context_length=_positive(first, f"{architecture}.context_length"),
        has_chat_template=bool(first.values.get("tokenizer.chat_template")),
        width=_positive(first, f"{architecture}.embedding_length"),
    )


def has_head(path: Path) -> bool:
    """Whether a readable model has a classification head to rank with."""
    return any(
        tensor.name.startswith("cls.")
        for file in parts(path)
        for tensor in read_header(file).tensors
    )


def parts(path: Path) -> tuple[Path, ...]:
    """Return all files of a split model, or the file alone; raise NotFound or CorruptFile naming
    what is missing.
    """
    _check_readable(path)
    match = _PART.fullmatch(path.name)
    if match is None or match["count"] == "00001":
        return (path,)
    if int(match["number"]) != 1:
        first = f"{match['stem']}-00001-of-{match['count']}.gguf"
        raise CorruptFile(
            f"{path} is part {int(match['number'])} of a split model.",
            hint=f"Name the first: {first}.",
        )
    width = range(1, int(match["count"]) + 1)
    files = tuple(
        path.with_name(f"{match['stem']}-{number:05}-of-{match['count']}.gguf") for number in width
    )
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        more = len(missing) - _NAMED_PARTS
        shown = ", ".join(missing[:_NAMED_PARTS]) + (f" and {more} more" if more > 0 else "")
        raise CorruptFile(
            f"{path} is one of {len(files)} parts; {shown} not found beside it.",
            hint="Fetch all parts.",
        )
    return files


def _check_readable(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(mode):
        raise NotFound(f"{path} is not a file.", hint="Name a GGUF file.")
    if not os.access(path, os.R_OK):
        raise NotFound(f"{path} cannot be read: permission denied.")


def _complete_header(file: Path) -> Header:
    try:
        header = read_header(file)
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}.") from error
    if header.needed_size > header.file_size:
        raise CorruptFile(
            f"{file} is truncated: {header.file_size} of {header.needed_size} bytes are there.",
            hint="Fetch the file again.",
            path=str(file),
            present=header.file_size,
            needed=header.needed_size,
        )
    return header


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


def _kind(architecture: str, header: Header) -> Kind:
    pooling = _positive(header, f"{architecture}.pooling_type")
    if pooling == _RANK:
        return Kind.RERANK
    pooled = pooling > 0
    return Kind.EMBEDDING if pooled or architecture in ENCODERS else Kind.CHAT


def _quantization(first: Header, headers: list[Header]) -> str:
    declared = first.values.get("general.file_type")
    if isinstance(declared, int) and (declared & ~GUESSED) in FILE_TYPES:
        return FILE_TYPES[declared & ~GUESSED]
    bytes_of: Counter[str] = Counter()
    for header in headers:
        for tensor in header.tensors:
            bytes_of[tensor.type.name] += tensor.size
    return bytes_of.most_common(1)[0][0]


def _positive(header: Header, key: str) -> int:
    value = header.values.get(key)
    return value if isinstance(value, int) and value > 0 else 0
