"""All that a header tells a person: what `llmd show` prints beside the facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from llmd.models.gguf.architectures import KNOWN
from llmd.models.gguf.fields import Fields
from llmd.models.gguf.file_types import FILE_TYPES, GUESSED
from llmd.models.gguf.header import Header, Tensor
from llmd.models.gguf.origin import Origin, origin_of
from llmd.models.gguf.tensor_roles import Role, role_of
from llmd.models.gguf.tokenizer import Tokenizer, tokenizer_of

TEMPLATE = "tokenizer.chat_template"
"""Key of a chat template; those with names stand behind it."""

_POOLINGS = ("none", "mean", "cls", "last", "rank")


class Sort(StrEnum):
    """What a GGUF file is."""

    MODEL = "model"
    VOCABULARY = "vocabulary"
    """A tokenizer without weights."""
    PROJECTOR = "projector"
    ADAPTER = "adapter"
    IMATRIX = "imatrix"
    UNKNOWN = "unknown"
    """A model that llama.cpp cannot load."""


class Share(msgspec.Struct, frozen=True):
    """A part of the weights."""

    name: str
    size: int
    """Bytes."""
    parameters: int
    tensors: int


class Positions(msgspec.Struct, frozen=True, kw_only=True):
    """How positions are told to the model (RoPE), and how its context was stretched."""

    scaling: str = "none"
    """`none`, `linear`, `yarn` or `longrope`."""
    factor: float = 0.0
    """How many times longer the context was made; 0: it was not."""
    original_context: int = 0
    """Tokens before that; 0: it does not say."""
    base: float = 0.0
    dimensions: int = 0


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What a header tells a person."""

    sort: Sort
    version: int
    """Of the GGUF format."""
    quantization: str
    """In llama.cpp's words, such as `Q4_K_M`; empty: there are no weights."""
    bits_per_weight: float
    types: list[Share]
    """Weights by tensor type, the largest first."""
    roles: list[Share]
    """Weights by what they are for."""
    positions: Positions
    tokenizer: Tokenizer
    origin: Origin
    templates: list[str]
    """Names of its chat templates; the one without a name is `default`."""
    pooling: str = ""
    """How it makes vectors; empty: it does not say."""
    causal: bool = True
    """Whether tokens see only those before them."""
    decoder_layers: int = 0
    """Of a model that reads with an encoder first; 0: it is none."""
    labels: int = 0
    """Outputs of its classification head."""


def describe(headers: Sequence[Header], path: Path) -> Description:
    """Describe a file of any sort by the headers of all its parts, the first of which was read from
    `path`; raise CorruptFile or OSError.
    """
    first = headers[0]
    tensors = [tensor for header in headers for tensor in header.tensors]
    architecture = str(first.values.get("general.architecture", ""))
    fields = Fields(first.values, architecture)
    weights = sum(tensor.weights for tensor in tensors)
    size = sum(tensor.size for tensor in tensors)
    encodes = any(tensor.name.startswith("enc.") for tensor in tensors)
    decodes = any(tensor.name.startswith("dec.") for tensor in tensors)
    return Description(
        sort=sort_of(first, tensors),
        version=first.version,
        quantization=quantization_of(first, tensors) if tensors else "",
        bits_per_weight=round(8 * size / weights, 2) if weights else 0.0,
        types=_shares(tensors, lambda tensor: tensor.type.name),
        roles=_by_role(tensors),
        positions=_positions(fields),
        tokenizer=tokenizer_of(first, path),
        origin=origin_of(first),
        templates=template_names(first),
        pooling=_pooling(fields),
        causal=first.values.get(f"{architecture}.attention.causal") is not False,
        decoder_layers=(
            fields.number("decoder_block_count", fields.number("block_count"))
            if encodes and decodes
            else 0
        ),
        labels=fields.count(f"{architecture}.classifier.output_labels"),
    )


def sort_of(first: Header, tensors: Sequence[Tensor]) -> Sort:
    """Return what a file is."""
    architecture = first.values.get("general.architecture")
    declared = first.values.get("general.type", "model")
    if architecture == "clip" or declared == "mmproj":
        return Sort.PROJECTOR
    # compared one by one, since hostile values may have no hash
    if declared in (Sort.ADAPTER, Sort.IMATRIX):
        return Sort(declared)
    if not isinstance(architecture, str) or architecture not in KNOWN:
        return Sort.UNKNOWN
    return Sort.MODEL if tensors else Sort.VOCABULARY


def quantization_of(first: Header, tensors: Iterable[Tensor]) -> str:
    """Return the file type a model declares, else the tensor type most of its bytes are of."""
    declared = first.values.get("general.file_type")
    if isinstance(declared, int) and (declared & ~GUESSED) in FILE_TYPES:
        return FILE_TYPES[declared & ~GUESSED]
    sizes: Counter[str] = Counter()
    for tensor in tensors:
        sizes[tensor.type.name] += tensor.size
    return sizes.most_common(1)[0][0]


def template_names(first: Header) -> list[str]:
    """Return the names of the chat templates in a header."""
    prefix = f"{TEMPLATE}."
    named = sorted(key.removeprefix(prefix) for key in first.values if key.startswith(prefix))
    return (["default"] if first.values.get(TEMPLATE) else []) + named


def template_text(first: Header, name: str = "default") -> str | None:
    """Return the source of a chat template; None when there is none of that name."""
    found = first.values.get(TEMPLATE if name == "default" else f"{TEMPLATE}.{name}")
    return found if isinstance(found, str) and found else None


def _shares(tensors: Iterable[Tensor], name_of: Callable[[Tensor], str]) -> list[Share]:
    sums: dict[str, list[int]] = {}
    for tensor in tensors:
        entry = sums.setdefault(name_of(tensor), [0, 0, 0])
        entry[0] += tensor.size
        entry[1] += tensor.weights
        entry[2] += 1
    shares = [Share(name, *entry) for name, entry in sums.items()]
    return sorted(shares, key=lambda share: (-share.size, share.name))


def _by_role(tensors: Iterable[Tensor]) -> list[Share]:
    order = {str(role): place for place, role in enumerate(Role)}
    shares = _shares(tensors, lambda tensor: str(role_of(tensor.name)))
    return sorted(shares, key=lambda share: order[share.name])


def _positions(fields: Fields) -> Positions:
    scaling = fields.text("rope.scaling.type") or "linear"
    factor = fields.ratio("rope.scaling.factor") or fields.ratio("rope.scale_linear")
    # llama.cpp takes a factor that is not there, or 1, for no scaling at all
    plain = scaling == "none" or (factor in {0.0, 1.0} and scaling == "linear")
    return Positions(
        scaling="none" if plain else scaling[:32],
        factor=0.0 if plain else factor,
        original_context=fields.number("rope.scaling.original_context_length"),
        base=fields.ratio("rope.freq_base"),
        dimensions=fields.number("rope.dimension_count"),
    )


def _pooling(fields: Fields) -> str:
    if not fields.has("pooling_type"):
        return ""
    number = fields.number("pooling_type")
    # -1, read as a number without sign, is llama.cpp's word for "does not say"
    return _POOLINGS[number] if number < len(_POOLINGS) else ""
