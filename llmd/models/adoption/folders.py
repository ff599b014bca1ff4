"""GGUF files in ordinary folders: LM Studio's and ModelScope's PUBLISHER/REPOSITORY/FILE, and any
folder that is named.

A walk sees what it can: links to nothing, folders that may not be read and loops of links are
noted or passed over, and an enormous tree is given up at a limit that the result tells of.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from llmd.models import projectors
from llmd.models.adoption.find import Find, proper
from llmd.models.names import name_from_file
from llmd.models.sources.selection import RemoteFile, selectors
from llmd.protocol.adoption import Tool

_PART = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_MOST_ENTRIES = 200_000
_DEEPEST = 12
_MOST_NAMED_TOGETHER = 500
_PUBLISHED = 3
"""Parts of a path PUBLISHER/REPOSITORY/FILE."""


@dataclass(slots=True)
class Walk:
    """What was seen of a tree."""

    files: list[Path] = field(default_factory=list)
    """All whose name ends in .gguf, links included."""
    trouble: str = ""
    """The first thing that kept something from being seen."""


def walk(root: Path, most: int = _MOST_ENTRIES) -> Walk:
    """Look through a tree, at `most` entries of it; hidden folders are left out."""
    found = Walk()
    waiting = [(root, 0)]
    visited: set[tuple[int, int]] = set()
    seen = 0
    while waiting:
        folder, depth = waiting.pop()
        for entry in _listed(folder, visited, found):
            seen += 1
            if seen > most:
                found.trouble = found.trouble or f"only {most} entries were looked at"
                return found
            if _is_folder(entry):
                if depth < _DEEPEST and not entry.name.startswith("."):
                    waiting.append((Path(entry.path), depth + 1))
            elif entry.name.lower().endswith(".gguf"):
                found.files.append(Path(entry.path))
    found.files.sort()
    return found


def published(tool: Tool, root: Path, files: Iterable[Path]) -> list[Find]:
    """Return the models among files that lie as PUBLISHER/REPOSITORY/FILE below `root`, named as on
    the hub they came from.
    """
    groups: dict[str, list[Path]] = {}
    finds = []
    for file in files:
        parts = file.relative_to(root).parts
        if len(parts) < _PUBLISHED:
            finds += plain(tool, [file])
        else:
            groups.setdefault("/".join(parts[:2]), []).append(file)
    for folder, members in groups.items():
        # ModelScope writes dots in a repository's name so
        repo = folder.replace("___", ".") if tool is Tool.MODELSCOPE else folder
        finds += repository(tool, repo, root / folder, members, f"{tool}://{repo}/")
    return finds


def repository(tool: Tool, repo: str, folder: Path, files: list[Path], source: str) -> list[Find]:
    """Return the models of one repository, named OWNER/REPO:QUANT as a pull from the hub names
    them; `source` precedes the file's name.
    """
    shown = {file: file.relative_to(folder).as_posix() for file in files}
    few = len(shown) <= _MOST_NAMED_TOGETHER
    known = selectors([RemoteFile(name, 0) for name in shown.values()]) if few else {}
    return [
        Find(
            tool,
            file,
            proper(f"{repo}:{known.get(shown[file], name_from_file(file))}", file),
            f"{source}{shown[file]}",
        )
        for file in models(files)
    ]


def plain(tool: Tool, files: list[Path]) -> list[Find]:
    """Return the models among files of no known origin, named as their files are."""
    return [Find(tool, file, name_from_file(file), f"file://{file}") for file in models(files)]


def models(files: list[Path]) -> list[Path]:
    """Leave out projectors, and of each split model all but the first part that is there."""
    first: dict[tuple[Path, str], Path] = {}
    for file in sorted(files):
        part = _PART.fullmatch(file.name)
        if not projectors.is_projector(file.name):
            key = f"{part['stem']}-of-{part['count']}" if part else file.name
            first.setdefault((file.parent, key), file)
    return list(first.values())


def _listed(folder: Path, visited: set[tuple[int, int]], found: Walk) -> list[os.DirEntry[str]]:
    """List a folder once, by whatever names it is reached."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in visited:
            return []
        visited.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        found.trouble = found.trouble or f"{folder}: {error.strerror}"
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
