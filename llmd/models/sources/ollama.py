"""Fetches a model from a registry that speaks Ollama's protocol: a program of its own.

    python -m llmd.models.sources.ollama NAME TAG MODELS_DIR

NAME is `model` or `namespace/model`, TAG may be empty (`latest`), MODELS_DIR is llmd's own
directory: weights go to MODELS_DIR/blobs/sha256-..., unless Ollama's own store on this machine has
all of them, whose files are then used where they lie. It writes `lines`; the result's `name` is
what Ollama calls the model, `revision` the manifest's digest, and `preset`, `options`, `adapters`
and `digests` hold what the manifest's other layers say. OLLAMA_REGISTRY is another registry's
address.

The protocol is that of Docker's registries, version 2: /v2/NAME/manifests/TAG and
/v2/NAME/blobs/DIGEST (ollama/ollama, server/images.go and server/download.go).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from llmd.errors import AccessDenied, DownloadFailed, LlmdError, ModelNotFound
from llmd.models.names import near_misses
from llmd.models.ollama import layers, manifest
from llmd.models.ollama.manifest import BadManifest, Layer, Manifest
from llmd.models.ollama.store import OllamaStore, directories
from llmd.models.sources.lines import Fetched, Named, Progress
from llmd.models.sources.program import run
from llmd.models.sources.transfer import Refused, Remote, Transfer
from llmd.models.sources.transfer.faults import explained

REGISTRY = "https://registry.ollama.ai"
_LATEST = "latest"
_LARGEST_TEXT = 2**20
_DENIED = frozenset({401, 403})
_NOT_FOUND = 404
_SHOWN = 20


class _Tags(msgspec.Struct):
    tags: list[str] = []


@dataclass(frozen=True, slots=True)
class Wanted:
    """One model of a registry."""

    registry: str
    name: str
    """`model` or `namespace/model`."""
    tag: str

    @property
    def shown(self) -> str:
        """What Ollama calls it."""
        return f"{self.name}:{self.tag}"

    def url(self, kind: str, reference: str) -> str:
        """Return the address of a manifest, a blob or the list of tags."""
        path = self.name if "/" in self.name else f"library/{self.name}"
        return f"{self.registry}/v2/{path}/{kind}/{reference}"


def pull(
    wanted: Wanted, models_dir: Path, stores: list[OllamaStore], transfer: Transfer
) -> Fetched:
    """Bring a model here, whichever of `stores` has it already; raise LlmdError."""
    transfer.report.line(Progress("resolving", wanted.shown))
    found, digest = _manifest(wanted, transfer)
    try:
        parts = manifest.parts(found)
    except BadManifest as error:
        raise DownloadFailed(
            f"{wanted.shown} cannot be used here: {error}.",
            hint="Look for a GGUF of it on the Hugging Face hub: llmd pull OWNER/REPO.",
        ) from error
    files = list({layer.sha256: layer for layer in parts.files}.values())
    present = _present(files, stores)
    # they are used where Ollama has them only if it has all: what is removed later must be llmd's
    # as a whole or not at all
    fresh = len(present) < len(files)
    blobs = models_dir / "blobs"
    paths = (
        {layer.sha256: blobs / f"sha256-{layer.sha256}" for layer in files} if fresh else present
    )
    source = f"ollama://{wanted.shown}"
    transfer.report.named(Named(wanted.shown, source, str(paths[parts.model.sha256])))
    preset, options = layers.preset(parts, lambda layer: _text(wanted, layer, stores, transfer))
    if fresh:
        for sha256, path in present.items():
            _linked(path, paths[sha256])
        _fetch(wanted, files, paths, transfer)
    return Fetched(
        [str(paths[parts.model.sha256])],
        wanted.name,
        digest,
        wanted.tag,
        fresh,
        projector=str(paths[parts.projector.sha256]) if parts.projector else "",
        name=wanted.shown,
        source=source,
        digests={str(path): sha256 for sha256, path in paths.items()},
        preset=preset,
        options=options,
        adapters=[str(paths[layer.sha256]) for layer in parts.adapters],
    )


def _manifest(wanted: Wanted, transfer: Transfer) -> tuple[Manifest, str]:
    """Return the manifest of what llama.cpp can run, and its digest."""
    accept = {"Accept": f"{manifest.MEDIA_TYPE}, {manifest.LIST_MEDIA_TYPE};q=0.9"}
    try:
        body = transfer.ask(wanted.url("manifests", wanted.tag), accept).body
        found = manifest.runnable(manifest.parse(body))
        if found.is_reference:
            digest = found.digest if ":" in found.digest else f"sha256:{found.digest}"
            body = transfer.ask(wanted.url("manifests", digest), accept).body
            _check(body, digest[-64:], wanted.shown)
            found = manifest.parse(body)
    except Refused as refused:
        raise _refusal(refused, wanted, transfer) from refused
    except BadManifest as error:
        raise DownloadFailed(
            f"{wanted.registry} does not answer like a registry of Ollama's: {error}.",
            hint="See OLLAMA_REGISTRY.",
        ) from error
    return found, f"sha256:{hashlib.sha256(body).hexdigest()}"


def _refusal(refused: Refused, wanted: Wanted, transfer: Transfer) -> LlmdError:
    if refused.status in _DENIED:
        return AccessDenied(
            f"The Ollama registry refuses {wanted.shown} (HTTP {refused.status}).",
            hint="Private models cannot be pulled. A name that does not exist may look so too.",
        )
    if refused.status != _NOT_FOUND:
        return explained(refused, wanted.shown)
    tags = _tags(wanted, transfer)
    near = near_misses(wanted.tag, tags)
    known = f"{wanted.name} has: {', '.join(tags[:_SHOWN])}. " if tags else ""
    meant = f"Did you mean {wanted.name}:{near[0]}? " if near else ""
    return ModelNotFound(
        f"The Ollama registry has no {wanted.shown}.",
        hint=f"{meant}{known}Its library shows names and tags: ollama.com/library.",
        param="name",
        suggestions=[f"{wanted.name}:{tag}" for tag in near],
    )


def _tags(wanted: Wanted, transfer: Transfer) -> list[str]:
    """Return what a model has, if its registry says so; Ollama's own does not always."""
    try:
        reply = transfer.ask(wanted.url("tags", "list"))
        return sorted(msgspec.json.decode(reply.body, type=_Tags).tags)
    except (Refused, LlmdError, msgspec.MsgspecError, UnicodeError):
        return []


def _text(wanted: Wanted, layer: Layer, stores: list[OllamaStore], transfer: Transfer) -> bytes:
    """Return a small layer, from a store of this machine if one has it undamaged."""
    for store in stores:
        with contextlib.suppress(BadManifest):
            data = store.text(layer, _LARGEST_TEXT)
            if hashlib.sha256(data).hexdigest() == layer.sha256:
                return data
    try:
        digest = f"sha256:{layer.sha256}"
        body = transfer.ask(wanted.url("blobs", digest), limit=_LARGEST_TEXT).body
    except Refused as refused:
        raise explained(refused, f"a layer of {wanted.shown}") from refused
    _check(body, layer.sha256, wanted.shown)
    return body


def _check(data: bytes, sha256: str, name: str) -> None:
    got = hashlib.sha256(data).hexdigest()
    if got != sha256.lower():
        raise DownloadFailed(
            f"A layer of {name} is not what its manifest says: SHA-256 {sha256} expected, {got} "
            "came.",
            hint="Pull again; if it stays so, report it to the registry.",
            expected=sha256,
            got=got,
        )


def _present(needed: list[Layer], stores: list[OllamaStore]) -> dict[str, Path]:
    """Return the paths of what Ollama has."""
    blobs = {
        layer.sha256: next(filter(None, (store.blob(layer) for store in stores)), None)
        for layer in needed
    }
    return {sha256: path for sha256, path in blobs.items() if path is not None}


def _fetch(wanted: Wanted, needed: list[Layer], paths: dict[str, Path], transfer: Transfer) -> None:
    remotes = [
        Remote(
            wanted.url("blobs", f"sha256:{layer.sha256}"),
            f"{wanted.shown} ({layer.role})",
            layer.size,
            layer.sha256,
        )
        for layer in needed
    ]
    pairs = [(remote, paths[remote.sha256]) for remote in remotes]
    transfer.check_room(wanted.shown, pairs)
    transfer.report.total = sum(layer.size for layer in needed)
    for remote, target in pairs:
        transfer.fetch(remote, target)


def _linked(path: Path, target: Path) -> None:
    """Give a blob of Ollama's a second name here; where that cannot be, it is fetched."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        os.link(path, target)


def main(arguments: list[str]) -> int:
    """Run."""
    name, tag, models_dir = arguments
    registry = os.environ.get("OLLAMA_REGISTRY") or REGISTRY
    registry = registry if "://" in registry else f"https://{registry}"
    wanted = Wanted(registry.rstrip("/"), name, tag or _LATEST)
    stores = [OllamaStore(path) for path in directories(os.environ, Path.home())]
    return run("ollama", lambda transfer: pull(wanted, Path(models_dir), stores, transfer))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
