"""What a typed name can mean: one small value for each kind of source. Pure; `names.parse` makes
them, downloads and imports consume them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AliasReference:
    """An entry of the catalogue, perhaps in another quantisation than its default one."""

    alias: str
    quantization: str = ""


@dataclass(frozen=True, slots=True)
class HubReference:
    """A repository and what to take of it: a quantisation, a file, or (empty) the best of what
    there is.
    """

    repo: str
    selector: str = ""
    revision: str = ""
    """A branch, tag or commit; empty: the repository's main branch."""


@dataclass(frozen=True, slots=True)
class UrlReference:
    """One GGUF file, or the first part of a split one, on any web server."""

    url: str
    """Absolute, ASCII, without credentials; `https`, or `http` to this machine."""
    sha256: str = ""
    """Of the content, from `#sha256=...`; empty: not given."""


@dataclass(frozen=True, slots=True)
class OllamaReference:
    """A model of the Ollama registry."""

    name: str
    """`MODEL`, or `USER/MODEL`."""
    tag: str = ""
    """Empty: `latest`."""


@dataclass(frozen=True, slots=True)
class ModelScopeReference:
    """A repository on ModelScope, and what to take of it, as for the hub."""

    repo: str
    selector: str = ""


@dataclass(frozen=True, slots=True)
class PathReference:
    """A file on this machine."""

    path: Path


RemoteReference = HubReference | UrlReference | OllamaReference | ModelScopeReference
Reference = AliasReference | RemoteReference | PathReference
