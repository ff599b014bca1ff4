"""Models in Ollama's store, with the system prompt and the parameters that go with each."""

from __future__ import annotations

from pathlib import Path

from llmd.models import projectors
from llmd.models.adoption.find import Find, proper
from llmd.models.ollama import layers, manifest
from llmd.models.ollama.manifest import BadManifest, Layer
from llmd.models.ollama.store import Entry, OllamaStore
from llmd.protocol.adoption import Tool


def finds(root: Path) -> list[Find]:
    """Return the models of a store; raise OSError when it cannot be listed."""
    store = OllamaStore(root)
    # `latest` is another name of a model more often than one of its own
    entries = sorted(store.entries(), key=lambda entry: entry.name.endswith(":latest"))
    return [_find(store, entry) for entry in entries]


def _find(store: OllamaStore, entry: Entry) -> Find:
    name = proper(entry.name, entry.path)
    try:
        parts = manifest.parts(store.manifest(entry))
        preset, options = layers.preset(parts, store.text)
        model = _present(store, parts.model)
        projector = _present(store, parts.projector) if parts.projector else None
        adapters = tuple(_present(store, layer) for layer in parts.adapters)
    except BadManifest as error:
        trouble = f"Ollama has {entry.name}, but {error}."
        return Find(Tool.OLLAMA, entry.path, name, entry.source, trouble=trouble)
    return Find(
        Tool.OLLAMA,
        model,
        name,
        entry.source,
        projector=str(projector) if projector else projectors.NONE,
        adapters=adapters,
        preset=preset,
        options=options,
        digests={str(store.blob(layer)): layer.sha256 for layer in parts.files},
    )


def _present(store: OllamaStore, layer: Layer) -> Path:
    path = store.blob(layer)
    if path is None:
        raise BadManifest(f"its blob sha256-{layer.sha256[:12]}... is missing or incomplete")
    return path
