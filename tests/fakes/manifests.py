"""Manifests of models whose files need not be there."""

from __future__ import annotations

from typing import Any

from llmd.protocol.models import Kind, ModelManifest


def make_manifest(name: str, **fields: Any) -> ModelManifest:
    """Return the manifest of a small chat model, with other fields where they are given."""
    plain: dict[str, Any] = {
        "name": name,
        "path": f"/models/{name}.gguf",
        "source": f"file:///models/{name}.gguf",
        "kind": Kind.CHAT,
        "architecture": "llama",
        "parameters": 1,
        "quantization": "Q8_0",
        "size": 1,
        "context_length": 1,
        "added": 1.0,
        "owned": False,
        "files": [f"/models/{name}.gguf"],
    }
    return ModelManifest(**{**plain, **fields})
