"""Decides from headers alone whether a LoRA file fits a model, so that a wrong one is refused when
it is added, with the reason, and not when the first request needs it.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from llmd.errors import CorruptFile, InvalidRequest, NotFound, UnsupportedArchitecture
from llmd.models.gguf.header import Header, Tensor, read_header
from llmd.models.names import check_name, expanded, name_from_file
from llmd.protocol.models import AdapterFile, ModelManifest

_PARTS = (".lora_a", ".lora_b")
_EMBEDDINGS = "token_embd.weight"


def describe(
    path: Path, model: ModelManifest, name: str | None, scale: float, *, default: bool
) -> AdapterFile:
    """Describe a file that llama.cpp will load beside `model`.

    Raises NotFound, CorruptFile, InvalidRequest for a bad name or a file that is no LoRA,
    UnsupportedArchitecture for one that was made for another model.
    """
    path = Path(os.path.abspath(expanded(path)))
    try:
        header = read_header(path)
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error
    _check_kind(path, header)
    _check_model(path, header, model)
    if header.needed_size > header.file_size:
        raise CorruptFile(f"{path} is truncated.", hint="Fetch the file again.", path=str(path))
    return AdapterFile(check_name(name or name_from_file(path)), str(path), scale, default)


def with_adapter(model: ModelManifest, adapter: AdapterFile) -> ModelManifest:
    """Return the model with one more adapter; one of the same name gives way."""
    others = [other for other in model.adapters if other.name != adapter.name]
    return msgspec.structs.replace(model, adapters=[*others, adapter])


def without_adapter(model: ModelManifest, name: str) -> ModelManifest:
    """Return the model without an adapter; raise NotFound when it has none of that name."""
    others = [other for other in model.adapters if other.name != name]
    if len(others) == len(model.adapters):
        known = ", ".join(other.name for other in model.adapters) or "none"
        raise NotFound(f"{model.name} has no adapter {name[:200]}.", hint=f"It has: {known}.")
    return msgspec.structs.replace(model, adapters=others)


def _check_kind(path: Path, header: Header) -> None:
    if header.values.get("adapter.type") != "lora":
        raise InvalidRequest(
            f"{path} is no LoRA adapter.",
            hint="Convert one with llama.cpp's convert_lora_to_gguf.py.",
            param="path",
        )
    if "adapter.alora.invocation_tokens" in header.values:
        raise InvalidRequest(
            f"{path} is an activated LoRA, which acts only after certain tokens; llmd has "
            "adapters that act throughout.",
            hint="Use an ordinary LoRA.",
            param="path",
        )


def _check_model(path: Path, header: Header, model: ModelManifest) -> None:
    architecture = header.values.get("general.architecture")
    if architecture != model.architecture:
        raise UnsupportedArchitecture(
            f"{path} was made for a {architecture} model, {model.name} is {model.architecture}.",
            hint="Name the model it was trained on.",
            architecture=str(architecture),
        )
    base = {
        tensor.name: tensor
        for file in model.files or [model.path]
        if file != model.projector
        for tensor in read_header(Path(file)).tensors
    }
    for tensor in header.tensors:
        if not _fits(tensor, base):
            raise UnsupportedArchitecture(
                f"{path} does not fit {model.name}: {tensor.name} has no counterpart of its size.",
                hint="Name the model it was trained on; models of one family differ in size.",
            )


def _fits(tensor: Tensor, base: dict[str, Tensor]) -> bool:
    """Whether A reads what the weight reads, or B writes what it writes; embeddings swap roles."""
    part = next((part for part in _PARTS if tensor.name.endswith(part)), None)
    if part is None:
        return True  # llama.cpp passes over some others, such as norms, and names the rest
    weight = base.get(tensor.name.removesuffix(part))
    if weight is None or len(weight.shape) < 2 or len(tensor.shape) < 2:  # noqa: PLR2004  a matrix
        return False
    if tensor.name.startswith(_EMBEDDINGS):
        return True
    side = _PARTS.index(part)
    return tensor.shape[side] == weight.shape[side]
