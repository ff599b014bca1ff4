"""Ollama's store on this machine, read only: `manifests-v2/` and `manifests/` name the models as
HOST/NAMESPACE/MODEL/TAG, `blobs/` holds their content.

As in ollama/ollama, manifest/paths.go and types/model/name.go. Whatever is in a manifest, nothing
outside `blobs/` is opened for it.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from llmd.models.ollama import manifest
from llmd.models.ollama.manifest import BadManifest, Layer, Manifest

ROOTS = ("manifests-v2", "manifests")
"""Folders of manifests, the one that counts first."""
_DEPTH = 4
_OWN_HOST = "registry.ollama.ai"
_OWN_NAMESPACE = "library"
# hosts whose models are repositories of the Hugging Face hub, named so elsewhere in llmd too
_HUB_HOSTS = ("hf.co", "huggingface.co")
_LARGEST_MANIFEST = 4 * 2**20
_MOST_NAMES = 20_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One named model of the store."""

    name: str
    """As `ollama ls` shows it, without the hub's host."""
    source: str
    """Where Ollama has it from, for example `ollama://qwen2:0.5b`, which can be pulled here too."""
    path: Path
    """Of the manifest."""


def directories(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Return where Ollama may keep models: as told, its user's, its Linux service's (docs/faq)."""
    told = environ.get("OLLAMA_MODELS")
    usual = [home / ".ollama" / "models", Path("/usr/share/ollama/.ollama/models")]
    return [Path(told).expanduser(), *usual] if told else usual


class OllamaStore:
    """One directory of models, such as ~/.ollama/models."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def entries(self) -> list[Entry]:
        """Return all names, each once, sorted; raise OSError when the directory cannot be read."""
        found: dict[str, Entry] = {}
        for root in (self.directory / name for name in ROOTS):
            if not root.exists():
                continue
            for path in itertools.islice(_files(root, _DEPTH), _MOST_NAMES):
                entry = _entry(path, path.relative_to(root).parts)
                found.setdefault(entry.name.casefold(), entry)
        return [found[key] for key in sorted(found)]

    def manifest(self, entry: Entry) -> Manifest:
        """Read what llama.cpp can run of a named model; raise BadManifest."""
        one = manifest.runnable(manifest.parse(_read(entry.path)))
        if not one.is_reference:
            return one
        layer = Layer(digest=one.digest if ":" in one.digest else f"sha256:{one.digest}")
        return manifest.parse(self.text(layer, _LARGEST_MANIFEST))

    def blob(self, layer: Layer) -> Path | None:
        """Return the file of a layer if it is there and as long as it should be."""
        # older versions of Ollama wrote the colon
        for separator in ("-", ":"):
            path = self.directory / "blobs" / f"sha256{separator}{layer.sha256}"
            try:
                status = path.stat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and layer.size in {0, status.st_size}:
                return path
        return None

    def text(self, layer: Layer, largest: int = 2**20) -> bytes:
        """Read a small layer; raise BadManifest when it is not there or not small."""
        path = self.blob(layer)
        if path is None:
            raise BadManifest(f"its blob sha256-{layer.sha256[:12]}... is missing or incomplete")
        return _read(path, largest)


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """Yield what lies exactly `depth` levels down; what cannot be listed is passed over, the first
    level excepted.
    """
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError:
        if depth == _DEPTH:
            raise
        return
    for entry in entries:
        if depth == 1 and _is_manifest(entry):
            yield Path(entry.path)
        elif depth > 1 and entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), depth - 1)


def _is_manifest(entry: os.DirEntry[str]) -> bool:
    # a link to nothing is a model whose manifest was lost; a pipe would be waited on for ever
    return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())


def _entry(path: Path, parts: tuple[str, ...]) -> Entry:
    host, namespace, model, tag = parts
    name = f"{model}:{tag}" if namespace == _OWN_NAMESPACE else f"{namespace}/{model}:{tag}"
    if host == _OWN_HOST:
        return Entry(name, f"ollama://{name}", path)
    full = f"{host}/{namespace}/{model}:{tag}"
    return Entry(name if host in _HUB_HOSTS else full, f"ollama://{full}", path)


def _read(path: Path, largest: int = _LARGEST_MANIFEST) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise BadManifest(f"{path} cannot be read ({error.strerror})") from error
    if len(data) > largest:
        raise BadManifest(f"{path} is too large for what it should be")
    return data
