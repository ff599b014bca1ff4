"""One model as a tool's directory shows it, before its file was looked into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llmd.errors import InvalidRequest
from llmd.models.names import check_name, name_from_file
from llmd.protocol.adoption import Tool
from llmd.protocol.models import Preset
from llmd.protocol.placement import LoadOptions

_PART = re.compile(r"[^/:]+")
_IMPROPER = re.compile(r"[^\w.+@-]+")


@dataclass(frozen=True, slots=True)
class Find:
    """What a tool says about a model of its own."""

    tool: Tool
    path: Path
    """Absolute; of a split model the first part."""
    name: str
    source: str
    projector: str | None = None
    """Path of its projector, `none`, or (None) the one beside it, if there is one."""
    adapters: tuple[Path, ...] = ()
    preset: Preset = field(default_factory=Preset)
    options: LoadOptions = field(default_factory=LoadOptions)
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of its files by absolute path, as far as the tool says."""
    trouble: str = ""
    """Why it cannot be used, where that shows without opening it."""


def proper(name: str, path: Path) -> str:
    """Return the name as llmd allows one: what a name may not hold becomes a dash, and a name of
    which nothing is left gives way to the file's.
    """
    words = _PART.sub(lambda part: _IMPROPER.sub("-", part[0]).strip("-.+@"), name)
    try:
        return check_name(words)
    except InvalidRequest:
        return name_from_file(path)
