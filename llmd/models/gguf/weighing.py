"""Sorts tensors into what llama.cpp places together: the input, the layers (experts apart) and the
output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from llmd.models.gguf.facts import Weights
from llmd.models.gguf.header import Tensor
from llmd.models.gguf.tensor_roles import is_expert, is_input, is_output, layer_of


@dataclass(slots=True)
class _Pile:
    size: int = 0
    parameters: int = 0
    types: Counter[str] = field(default_factory=Counter)

    def add(self, tensor: Tensor) -> None:
        self.size += tensor.size
        self.parameters += tensor.weights
        self.types[tensor.type.name] += tensor.size

    def weights(self) -> Weights:
        return Weights(
            size=self.size, parameters=self.parameters, types=dict(self.types.most_common())
        )


@dataclass(frozen=True, slots=True)
class Weighed:
    """Bytes of a model; `dense` and `experts` have one entry for each layer."""

    input: Weights
    dense: tuple[Weights, ...]
    experts: tuple[Weights, ...]
    output: Weights
    embedding: int
    """Bytes of the token embeddings."""
    tied: bool
    """Whether there is no output matrix beside them."""


def weigh(tensors: Iterable[Tensor], layers: int) -> Weighed:
    """Sort the tensors of a model of `layers` layers; what belongs to no layer, or to one that is
    not there, and is neither input nor output, lies with the first, as in llama.cpp.
    """
    entry, exit_ = _Pile(), _Pile()
    dense = [_Pile() for _ in range(max(layers, 1))]
    experts = [_Pile() for _ in dense]
    embedding, tied = 0, True
    for tensor in tensors:
        name = tensor.name
        if name == "token_embd.weight":
            embedding = tensor.size
        tied = tied and name != "output.weight"
        if is_input(name):
            entry.add(tensor)
        elif is_output(name):
            exit_.add(tensor)
        else:
            layer = layer_of(name) or 0
            pile = experts if is_expert(name) else dense
            pile[layer if layer < len(dense) else 0].add(tensor)
    return Weighed(
        entry.weights(),
        tuple(pile.weights() for pile in dense),
        tuple(pile.weights() for pile in experts),
        exit_.weights(),
        embedding,
        tied and embedding > 0,
    )


def layers_named(tensors: Iterable[Tensor]) -> int:
    """Return how many layers the names of tensors speak of."""
    found = (layer_of(tensor.name) for tensor in tensors)
    return max((layer + 1 for layer in found if layer is not None), default=0)
