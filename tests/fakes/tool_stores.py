"""Directories laid out as Ollama, LM Studio, llama.cpp, Hugging Face's and ModelScope's tools lay them out."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

MEDIA = "application/vnd.ollama.image."
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def layer(role: str, data: bytes) -> dict[str, Any]:
    """Return a layer of an Ollama manifest."""
    return {"mediaType": MEDIA + role, "digest": f"sha256:{sha256(data)}", "size": len(data)}


def manifest(layers: list[dict[str, Any]]) -> bytes:
    """Return an Ollama manifest."""
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", **layer("", b"{}")}
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
    return json.dumps(body).encode()


class OllamaDirectory:
    """Ollama's models directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "blobs").mkdir(parents=True)

    def blob(self, data: bytes) -> Path:
        path = self.root / "blobs" / f"sha256-{sha256(data)}"
        path.write_bytes(data)
        return path

    def add(self, name: str, contents: dict[str, bytes]) -> bytes:
        """Add `model:tag`, or HOST/NAMESPACE/MODEL:TAG, from its layers' contents by role."""
        for data in contents.values():
            self.blob(data)
        written = manifest([layer(role, data) for role, data in contents.items()])
        self.manifest(name, written)
        return written

    def manifest(self, name: str, data: bytes, root: str = "manifests") -> Path:
        model, _, tag = name.rpartition(":")
        host = f"registry.ollama.ai/library/{model}" if "/" not in model else model
        path = self.root / root / host / tag
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


def place(source: Path, target: Path) -> Path:
    """Copy a file to a path whose folders are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    return target


def hub_cache(root: Path, repo: str, source: Path, name: str, revision: str = "c0ffee") -> Path:
    """Put a file into a Hugging Face cache; return its name in the snapshot."""
    folder = root / f"models--{repo.replace('/', '--')}"
    blob = place(source, folder / "blobs" / sha256(source.read_bytes()))
    link = folder / "snapshots" / revision / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(blob, link.parent))
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(revision)
    return link


def llama_cache(root: Path, repo: str, tag: str, source: Path, name: str) -> Path:
    """Put a file into llama.cpp's flat cache, with its manifest."""
    owner, _, short = repo.partition("/")
    described = {"ggufFile": {"rfilename": name}}
    path = place(source, root / f"{owner}_{short}_{name}")
    (root / f"manifest={owner}={short}={tag}.json").write_text(json.dumps(described))
    return path
