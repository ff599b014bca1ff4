"""Vectors and scores from texts: several inputs a decode call, each a sequence of its own.

Models that could generate are stopped at their hidden states, which are pooled here; encoders and
rerankers run to their end, and llama.cpp pools.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmd.engine.adapters import Adapters
from llmd.engine.bindings import Batch, Context, ContextShape, Floats, Model, Pooling, only_cpu
from llmd.engine.packing import ROOM
from llmd.engine.pooling import pool
from llmd.errors import InvalidRequest, NoRoom
from llmd.protocol.questions import Pooling as Wish

MOST_INPUTS = 64
"""Inputs one call takes."""

HEADLESS_BATCH = 128
"""Tokens that such a model reads at a time: more are no quicker, and llama.cpp has four rows of
logits allocated for each of them while it makes a context.
"""

_POOLINGS = {
    Wish.MODEL: Pooling.UNSPECIFIED,
    Wish.MEAN: Pooling.MEAN,
    Wish.CLS: Pooling.CLS,
    Wish.LAST: Pooling.LAST,
    Wish.RANK: Pooling.RANK,
}


class Embedder:
    """Runs an embedding model, a reranker, or a chat model as one (mean of its last hidden
    states).

    Models without causal attention need a whole input in one micro batch, so a context grows with
    the longest input seen instead of reserving compute buffers for the longest possible one. Each
    pooling in use has a context of its own.
    """

    def __init__(
        self,
        model: Model,
        context_length: int,
        threads: int,
        *,
        adapters: Adapters | None = None,
        pooling: Wish = Wish.MODEL,
    ) -> None:
        self._model = model
        self._context_length = context_length
        self._threads = threads
        self._adapters = adapters
        self._usual = _POOLINGS[pooling]
        self._headless = only_cpu() and self._sees_backwards_only
        self._places: dict[Pooling, tuple[Context, Batch]] = {}

    @property
    def context_length(self) -> int:
        """Tokens one input may have."""
        return self._context_length

    @property
    def ranks(self) -> bool:
        """Whether the model is a reranker, by its file or by how it was registered."""
        return self._trained_to_rank or self._usual is Pooling.RANK

    def settle(self, wish: Wish) -> Pooling:
        """Return the pooling that a request gets; raise InvalidRequest where it gives no vector,
        or where the model has no head to rank with.
        """
        if wish is Wish.RANK and not self.ranks:
            raise InvalidRequest(
                "This model cannot rank: it has no classification head.",
                hint="Use a reranker, such as bge-reranker or qwen3-reranker.",
                param="model",
            )
        if wish is Wish.MODEL and self.ranks:
            raise InvalidRequest(
                "This model ranks, it does not embed.",
                hint="Use it with /v1/rerank, or use an embedding model here.",
                param="model",
            )
        return _POOLINGS[wish] if wish is not Wish.MODEL else self._usual

    def prepare(self) -> None:
        """Create the context for the usual requests, so that the first one need not wait for it
        and what it takes is known; raise NoRoom.
        """
        self._ensure(self._kind(self._usual), ROOM)

    @property
    def is_headless(self) -> bool:
        """Whether it is made for hidden states alone."""
        return any(context.is_headless for context, _ in self._places.values())

    @property
    def yet_to_come(self) -> int:
        """Bytes that llama.cpp adds with the first large batch: rows of logits, wanted or not."""
        return 0 if self.is_headless else (ROOM - MOST_INPUTS) * self._model.vocab.size * 4

    def embed(
        self, inputs: Sequence[list[int]], pooling: Pooling = Pooling.UNSPECIFIED
    ) -> list[Floats]:
        """Return one normalised vector per input, each of shape (width,), or with Pooling.RANK the
        scores as they are, shape (labels,).

        There are at most MOST_INPUTS, each fits the context length; raise NoRoom.
        """
        kind = self._kind(pooling)
        context, batch = self._ensure(kind, sum(map(len, inputs)))
        context.clear()
        end = 0
        for sequence, tokens in enumerate(inputs):
            end = batch.fill(end, tokens, 0, sequence)
        batch.outputs[:end] = 1
        if context.is_headless:
            if (states := context.states(batch, end)) is None:
                raise _no_room()
            found = pool(states, map(len, inputs), kind)
        else:
            if context.decode(batch, end):
                raise _no_room()
            found = [context.embedding(sequence) for sequence in range(len(inputs))]
        return found if kind is Pooling.RANK else [_normalised(vector) for vector in found]

    @property
    def gives_probabilities(self) -> bool:
        """Whether scores come out between 0 and 1: with several labels llama.cpp applies the
        softmax where a model (Qwen3) was trained so.
        """
        return self._model.labels > 1 and self._architecture in {"qwen3", "qwen3vl"}

    def close(self) -> None:
        """Free the contexts."""
        for context, _ in self._places.values():
            context.close()
        self._places.clear()

    @property
    def _architecture(self) -> str:
        return self._model.metadata("general.architecture") or ""

    @property
    def _trained_to_rank(self) -> bool:
        return self._model.metadata(f"{self._architecture}.pooling_type") == str(int(Pooling.RANK))

    @property
    def _sees_backwards_only(self) -> bool:
        """Whether a text can be read in parts, nothing stands behind the hidden states, and further
        sequence ids cost nothing: of recurrent models each has a state.
        """
        if self._model.is_recurrent or self._model.is_hybrid:
            return False
        causal = self._model.metadata(f"{self._architecture}.attention.causal")
        dense = self._model.metadata(f"{self._architecture}.dense_2_feat_out")
        return causal != "false" and dense is None

    def _kind(self, pooling: Pooling) -> Pooling:
        """Return what is done for a pooling that was asked for."""
        if pooling is Pooling.UNSPECIFIED:
            usual = self._model.metadata(f"{self._architecture}.pooling_type")
            pooling = Pooling(int(usual)) if usual else Pooling.NONE
        return Pooling.MEAN if pooling is Pooling.NONE else pooling

    def _ensure(self, kind: Pooling, tokens: int) -> tuple[Context, Batch]:
        # hidden states serve all that is made of them
        key = Pooling.NONE if self._headless and kind is not Pooling.RANK else kind
        place = self._places.get(key)
        if place and tokens <= len(place[1].tokens):
            return place
        size = max(ROOM, 1 << (tokens - 1).bit_length())
        if place:
            self._places.pop(key)[0].close()
        context = self._create(size, key)
        if context is None and key is Pooling.NONE:
            self._headless = False
            return self._ensure(kind, tokens)
        if context is None:
            raise NoRoom(
                "There is no memory for an embedding context.", hint="Unload another model first."
            )
        if self._adapters:
            self._adapters.activate(context, self._adapters.resolve(None))
        self._places[key] = context, Batch(size)
        return self._places[key]

    def _create(self, size: int, pooling: Pooling) -> Context | None:
        """Return a context, None where there is no memory, or no headless one of this model."""
        headless = pooling is Pooling.NONE
        shape = ContextShape(
            tokens=size,
            sequences=HEADLESS_BATCH if headless else MOST_INPUTS,
            batch=HEADLESS_BATCH if headless else size,
            micro_batch=HEADLESS_BATCH if headless else size,
            threads=self._threads,
            embeddings=True,
            pooling=pooling,
            headless=headless,
        )
        context = Context.create(self._model, shape)
        if context and headless and not context.is_headless:
            context.close()
            return None
        return context


def _no_room() -> NoRoom:
    return NoRoom("The embedding did not fit into memory.", hint="Send fewer or shorter inputs.")


def _normalised(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector
