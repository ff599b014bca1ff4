"""What other tools on this machine already have (`Survey`), and what became of adopting it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Tool(StrEnum):
    """Who put a model where it is."""

    OLLAMA = "ollama"
    HUGGING_FACE = "huggingface"
    LM_STUDIO = "lm-studio"
    LLAMA_CPP = "llama.cpp"
    MODELSCOPE = "modelscope"
    FOLDER = "folder"
    """Nobody in particular: a folder that was named."""


class Place(msgspec.Struct, frozen=True):
    """A directory where a tool keeps models."""

    tool: Tool
    directory: str
    """Absolute path."""


class Standing(StrEnum):
    """What can be done with a find."""

    NEW = "new"
    REGISTERED = "registered"
    DUPLICATE = "duplicate"
    """The same file as an earlier find."""
    REFUSED = "refused"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One model that was found."""

    tool: Tool
    path: str
    """Absolute path of its file, or of the first part."""
    standing: Standing
    name: str = ""
    """It has, or would get."""
    of: str = ""
    """Name of the model that it is the same as, for a registered one or a duplicate."""
    reason: str = ""
    """Why it is refused."""
    size: int = 0
    """Bytes of all parts and of the projector."""
    parts: int = 1
    kind: str = ""
    architecture: str = ""
    parameters: int = 0
    quantization: str = ""
    vision: bool = False
    audio: bool = False
    preset: bool = False
    """Whether a system prompt or parameters come along."""


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """A place that was looked at."""

    tool: Tool
    directory: str
    found: int = 0
    trouble: str = ""
    """Why not all of it could be seen."""


class Survey(msgspec.Struct, frozen=True):
    """All that was found, and where it was looked for."""

    findings: list[Finding]
    places: list[Searched]


class Keep(StrEnum):
    """How the file of an adopted or imported model is kept."""

    REFERENCE = "reference"
    """Where it lies; gone when its owner deletes it."""
    LINK = "link"
    """By a name of llmd's own for the same bytes, which stays when its owner deletes the other."""
    COPY = "copy"


class Failure(msgspec.Struct, frozen=True):
    """A model that could not be adopted."""

    name: str
    reason: str
