"""Models in a Hugging Face cache, which llama.cpp uses today as well:
models--OWNER--REPO/snapshots/REVISION/FILE, mostly links to blobs/SHA256.

Of several revisions the one that `refs/main` names counts first, then the newest; a file that lies
in an older one alone is found there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from llmd.models.adoption import folders
from llmd.models.adoption.find import Find
from llmd.protocol.adoption import Tool

PREFIX = "models--"
"""Begins the name of a repository's folder."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REPO = re.compile(r"[\w.-]+(?:/[\w.-]+)?", re.ASCII)


def finds(root: Path, tool: Tool) -> tuple[list[Find], str]:
    """Return the models of a cache, and what kept something from being seen; raise OSError when
    `root` cannot be listed.
    """
    found: list[Find] = []
    trouble = ""
    for folder in sorted(root.iterdir()):
        repo = folder.name.removeprefix(PREFIX).replace("--", "/", 1)
        if not folder.name.startswith(PREFIX) or not _REPO.fullmatch(repo):
            continue
        seen: set[str] = set()
        for revision in _revisions(folder):
            walked = folders.walk(revision)
            trouble = trouble or walked.trouble
            names = {file: file.relative_to(revision).as_posix() for file in walked.files}
            fresh = [file for file, name in names.items() if name not in seen]
            seen.update(names.values())
            models = folders.repository(tool, repo, revision, fresh, f"hf://{repo}/")
            found += [_with_digest(find) for find in models]
    return found, trouble


def _revisions(folder: Path) -> list[Path]:
    try:
        main = (folder / "refs" / "main").read_text(encoding="ascii", errors="replace")[:80].strip()
    except OSError:
        main = ""
    try:
        snapshots = [path for path in (folder / "snapshots").iterdir() if path.is_dir()]
    except OSError:
        return []
    return sorted(snapshots, key=lambda path: (path.name != main, -path.stat().st_mtime))


def _with_digest(find: Find) -> Find:
    """Blobs of large files are named by their content."""
    blob = Path(os.path.realpath(find.path)).name
    if not _SHA256.fullmatch(blob):
        return find
    return Find(find.tool, find.path, find.name, find.source, digests={str(find.path): blob})
