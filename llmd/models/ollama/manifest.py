"""A model's manifest as Ollama's registry serves and its store keeps it, pure: which layer is what.

The format is Docker's image manifest, version 2, with media types of Ollama's own; a list of
manifests offers one for each engine that can run the model. As in ollama/ollama,
manifest/manifest.go and server/images.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
LIST_MEDIA_TYPE = "application/vnd.ollama.manifest.list.v2+json"

_LAYER = "application/vnd.ollama.image."
_DIGEST = re.compile(r"sha256[:-][0-9a-fA-F]{64}")
# engines of Ollama that read GGUF, the preferred one first; the other, mlx, reads safetensors
_RUNNERS = ("ollama", "llamacpp", "")
_MOST_LAYERS = 4096
_LARGEST_TEXT = 2**20


class BadManifest(Exception):
    """A manifest that cannot be read or used; the text says why."""


class Layer(msgspec.Struct, frozen=True, rename="camel"):
    """One blob of a model."""

    media_type: str = ""
    digest: str = ""
    size: int = 0

    @property
    def role(self) -> str:
        """What it is: `model`, `params`, `system`...; empty for what is not Ollama's own."""
        kind = self.media_type.partition(";")[0].strip()
        return kind.removeprefix(_LAYER) if kind.startswith(_LAYER) else ""

    @property
    def sha256(self) -> str:
        """The digest of its bytes, in hexadecimal."""
        return self.digest[-64:].lower()


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """A manifest, a list of them (`manifests`), or a reference to one (`digest` alone)."""

    media_type: str = ""
    layers: list[Layer] = []
    runner: str = ""
    format: str = ""
    digest: str = ""
    manifests: list[Manifest] = []

    @property
    def is_reference(self) -> bool:
        """Whether it stands for a manifest that is a blob of its own."""
        return bool(self.digest) and not self.layers


@dataclass(frozen=True, slots=True)
class Parts:
    """The layers that llmd uses."""

    model: Layer
    projector: Layer | None
    adapters: tuple[Layer, ...]
    params: Layer | None
    system: Layer | None
    messages: Layer | None
    license: Layer | None

    @property
    def files(self) -> tuple[Layer, ...]:
        """Those that are GGUF files."""
        return (self.model, *filter(None, [self.projector]), *self.adapters)

    @property
    def texts(self) -> tuple[Layer, ...]:
        """Those that are read whole."""
        return tuple(filter(None, (self.params, self.system, self.messages, self.license)))


def parse(data: bytes) -> Manifest:
    """Read a manifest or a list of them; raise BadManifest."""
    try:
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadManifest(f"it is no manifest of a model ({error})") from error


def runnable(manifest: Manifest) -> Manifest:
    """Return the manifest itself, or of a list the one that llama.cpp can run, which may be a
    reference; raise BadManifest when there is none.
    """
    if not manifest.manifests:
        return manifest
    for runner in _RUNNERS:
        for one in manifest.manifests:
            if one.runner.lower() == runner and one.format.lower() in {"", "gguf"}:
                return one
    offered = ", ".join(one.runner or one.format for one in manifest.manifests)
    raise BadManifest(f"it has no GGUF variant, only: {offered}")


def parts(manifest: Manifest) -> Parts:
    """Sort the layers; raise BadManifest for a model that is not one GGUF file."""
    if len(manifest.layers) > _MOST_LAYERS:
        raise BadManifest(f"it has {len(manifest.layers)} layers")
    by_role: dict[str, list[Layer]] = {}
    for layer in manifest.layers:
        if not _DIGEST.fullmatch(layer.digest) or layer.size < 0:
            raise BadManifest(f"a layer has no usable digest or size: {layer.digest[:80]!r}")
        by_role.setdefault(layer.role, []).append(layer)
    texts = {role: _text(role, by_role) for role in ("params", "system", "messages", "license")}
    return Parts(
        model=_model(manifest, by_role),
        projector=by_role["projector"][0] if "projector" in by_role else None,
        adapters=tuple(by_role.get("adapter", [])),
        **texts,
    )


def _text(role: str, by_role: dict[str, list[Layer]]) -> Layer | None:
    """Return the layer of a role that counts, the last; a licence may have several, one is kept."""
    layers = by_role.get(role)
    if not layers:
        return None
    if layers[-1].size > _LARGEST_TEXT:
        raise BadManifest(f"its layer of {role} has {layers[-1].size} bytes")
    return layers[-1]


def _model(manifest: Manifest, by_role: dict[str, list[Layer]]) -> Layer:
    models = by_role.get("model", [])
    if "tensor" in by_role or manifest.format.lower() == "safetensors":
        raise BadManifest("its weights are safetensors, for another engine than llama.cpp")
    if not models:
        raise BadManifest("it has no weights: it runs on Ollama's servers, or is no model")
    if len({layer.sha256 for layer in models}) > 1:
        raise BadManifest(f"its weights are {len(models)} files, which llama.cpp cannot join")
    return models[0]
