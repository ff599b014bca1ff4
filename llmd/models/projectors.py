"""Finds the projector (mmproj file) that goes with a model, which lets it see or hear.

Files say which width of embeddings they were made for, but not for which model; so names decide,
and the width refuses what cannot be right.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmd.errors import CorruptFile, InvalidRequest
from llmd.models.gguf.header import Header, read_header
from llmd.models.names import expanded

NONE = "none"
"""Instead of a path: the model shall take text alone."""

_PROJECTOR = re.compile(r"(?:^|[-._/ ])mmproj(?:$|[-._ ])", re.IGNORECASE)
_LABEL = re.compile(
    r"(?:^|[-._ ])(?:ud[-_])?"
    r"(?:i?q\d(?:_[a-z0-9]+)*|tq\d_\d|mxfp4(?:_moe)?|nvfp4|bf16|fp?16|fp?32)(?=$|[-._ ])",
    re.IGNORECASE,
)
_PART = re.compile(r"-\d{5}-of-\d{5}$")
_FILLERS = frozenset({"", "mmproj", "model", "gguf", "projector"})
# they are small, and quantised ones cost more accuracy than they save
_PREFERENCE = ("f16", "fp16", "bf16", "q8_0", "f32", "fp32")
_MOST_NEIGHBOURS = 4096
_SENSES = ("vision", "audio")


@dataclass(frozen=True, slots=True)
class Projector:
    """What a header tells of a projector file."""

    path: Path
    width: int
    """Of the embeddings it makes; 0: it does not say."""
    vision: bool
    audio: bool
    size: int
    """Bytes."""


def is_projector(name: str) -> bool:
    """Whether a file is a projector, by its name."""
    return name.lower().endswith(".gguf") and bool(_PROJECTOR.search(name[: -len(".gguf")]))


def ranked(model: str, names: Sequence[str]) -> list[str]:
    """Return the projectors among file names that may go with a model, the likeliest first: those
    that share its name, then those that name no model.
    """
    wanted = _words(model)

    def rank(name: str) -> tuple[int, int, int]:
        stem = name.lower()
        precision = next((i for i, label in enumerate(_PREFERENCE) if label in stem), 99)
        return -len(_words(name)), precision, len(name)

    return sorted(
        (name for name in names if is_projector(name) and _words(name) <= wanted), key=rank
    )


def only_family(names: Sequence[str]) -> list[str]:
    """Return the projectors among file names, best first, if all are of one model; a repository
    with one family of projectors means them for its models, whatever they are called.
    """
    found = [name for name in names if is_projector(name)]
    families = {frozenset(_words(name)) for name in found}
    return ranked(" ".join(next(iter(families))), found) if len(families) == 1 else []


def describe(path: Path) -> Projector:
    """Read a projector's header; raise InvalidRequest when it is none, or not whole."""
    try:
        header = read_header(path)
    except OSError as error:
        raise InvalidRequest(
            f"{path} cannot be read: {error.strerror}.", param="projector"
        ) from error
    except CorruptFile as error:
        raise InvalidRequest(error.message, hint=error.hint, param="projector") from error
    if header.values.get("general.architecture") != "clip":
        raise InvalidRequest(
            f"{path} is no projector.",
            hint="Name the mmproj file that was made for the model.",
            param="projector",
        )
    if header.needed_size > header.file_size:
        raise InvalidRequest(
            f"{path} is truncated: {header.file_size} of {header.needed_size} bytes are there.",
            hint="Fetch the file again.",
            param="projector",
        )
    vision, audio = (header.values.get(f"clip.has_{sense}_encoder") is True for sense in _SENSES)
    return Projector(path, _width(header), vision, audio, header.file_size)


def beside(model: Path, width: int) -> Projector | None:
    """Return the projector in a model's folder that goes with it, if there is one; `width`: of the
    model's embeddings.
    """
    try:
        names = [entry.name for entry in sorted(model.parent.iterdir())[:_MOST_NEIGHBOURS]]
    except OSError:
        return None
    for name in ranked(model.name, names):
        try:
            found = describe(model.parent / name)
        except InvalidRequest:
            continue
        if found.width in {0, width}:
            return found
    return None


def fitting(wanted: str | None, model: Path, width: int) -> Projector | None:
    """Return the projector that is wanted for a model: a path, `none`, or (None) the one beside it;
    raise InvalidRequest when one was named that cannot be right.
    """
    if wanted == NONE:
        return None
    if not wanted:
        return beside(model, width)
    found = describe(Path(os.path.abspath(expanded(Path(wanted)))))
    if width and found.width not in {0, width}:
        raise InvalidRequest(
            f"{found.path} makes embeddings of width {found.width}, {model.name} takes {width}.",
            hint="Name the mmproj file that was made for this model.",
            param="projector",
        )
    return found


def _width(header: Header) -> int:
    for sense in _SENSES:
        value = header.values.get(f"clip.{sense}.projection_dim")
        if isinstance(value, int):
            return value
    return 0


def _words(name: str) -> set[str]:
    stem = name.rpartition("/")[2]
    stem = _PART.sub("", stem[: -len(".gguf")] if stem.lower().endswith(".gguf") else stem)
    return set(re.split(r"[-._ ]+", _LABEL.sub(" ", stem).lower())) - _FILLERS
