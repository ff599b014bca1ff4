"""Models in llama.cpp's own cache: files OWNER_REPO_FILE.gguf side by side, whose origin is told by
`manifest=OWNER=REPO=TAG.json` or, earlier, by FILE.gguf.json; and where LLAMA_CACHE is set, folders
as in a Hugging Face cache beside them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from llmd.models.adoption import folders, hub_cache
from llmd.models.adoption.find import Find, proper
from llmd.protocol.adoption import Tool

_LARGEST = 4 * 2**20
_MANIFEST_PARTS = 4
_URL_PARTS = 5


def finds(root: Path) -> tuple[list[Find], str]:
    """Return the models of a cache, and what kept something from being seen; raise OSError when
    `root` cannot be listed.
    """
    names = sorted(path.name for path in root.iterdir())
    files = [root / name for name in names if name.lower().endswith(".gguf")]
    origins = _origins(root, [name for name in names if name.startswith("manifest=")])
    flat = []
    for file in folders.models(files):
        origin = origins.get(file.name) or _from_url(file)
        flat += [_named(file, origin, root)] if origin else folders.plain(Tool.LLAMA_CPP, [file])
    cached, trouble = hub_cache.finds(root, Tool.LLAMA_CPP)
    return [*flat, *cached], trouble


def _named(file: Path, origin: tuple[str, str, str], root: Path) -> Find:
    repo, tag, projector = origin
    beside = root / projector
    return Find(
        Tool.LLAMA_CPP,
        file,
        proper(f"{repo}:{tag}", file),
        f"llama.cpp://{file.name}",
        projector=str(beside) if projector and beside.is_file() else None,
    )


def _origins(root: Path, manifests: list[str]) -> dict[str, tuple[str, str, str]]:
    """Return repository, tag and projector by file name, as far as manifests tell."""
    found = {}
    for name in manifests:
        parts = name.removesuffix(".json").split("=")
        if len(parts) != _MANIFEST_PARTS:
            continue
        _, owner, repo, tag = parts
        manifest = _json(root / name)
        model, projector = (
            _file_name(owner, repo, manifest.get(key)) for key in ("ggufFile", "mmprojFile")
        )
        if model:
            found[model] = (f"{owner}/{repo}", tag, projector)
    return found


def _file_name(owner: str, repo: str, described: object) -> str:
    name = described.get("rfilename") if isinstance(described, dict) else None
    # a folder within the repository becomes part of the name too
    return f"{owner}_{repo}_{name.replace('/', '_')}" if isinstance(name, str) and name else ""


def _from_url(file: Path) -> tuple[str, str, str] | None:
    url = _json(file.with_name(f"{file.name}.json")).get("url")
    parts = urlsplit(url).path.split("/") if isinstance(url, str) else []
    if len(parts) < _URL_PARTS + 1 or parts[3] != "resolve":
        return None
    return f"{parts[1]}/{parts[2]}", parts[-1].removesuffix(".gguf"), ""


def _json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
