"""Vectors from texts: several inputs a decode call, each a sequence of its own, pooled by
llama.cpp.
"""

from __future__ import annotations

import numpy as np

from llmd.engine.bindings import Batch, Context, ContextShape, Floats, Model, Pooling
from llmd.errors import InvalidRequest, NoRoom

_PARALLEL = 64
_SMALLEST = 512


class Embedder:
    """Runs an embedding model, or a chat model as one (mean of its last hidden states).

    Models without causal attention need a whole input in one micro batch, so the context grows with
    the longest input seen instead of reserving compute buffers for the longest possible one.
    """

    def __init__(self, model: Model, context_length: int, threads: int) -> None:
        self._model = model
        self._context_length = context_length
        self._threads = threads
        self._context: Context | None = None
        self._batch = Batch(0)

    @property
    def context_length(self) -> int:
        """Tokens one input may have."""
        return self._context_length

    def embed(self, inputs: list[list[int]]) -> list[Floats]:
        """Return one normalised vector per input, each of shape (width,); inputs fit the context
        length.
        """
        context = self._ensure(max(len(tokens) for tokens in inputs))
        vectors: list[Floats] = []
        start = 0
        while start < len(inputs):
            end = self._fill(inputs, start)
            context.clear()
            if context.decode(self._batch, sum(map(len, inputs[start:end]))):
                raise NoRoom(
                    "The embedding did not fit into memory.", hint="Send fewer or shorter inputs."
                )
            vectors += [_normalised(context.embedding(i)) for i in range(end - start)]
            start = end
        return vectors

    def packs(self, inputs: list[list[int]]) -> list[list[list[int]]]:
        """Cut a request into parts that take one decode call each, so that streams flow between
        them.
        """
        room = max(_SMALLEST, max(map(len, inputs), default=0))
        packs: list[list[list[int]]] = [[]]
        used = 0
        for tokens in inputs:
            if packs[-1] and (used + len(tokens) > room or len(packs[-1]) == _PARALLEL):
                packs.append([])
                used = 0
            packs[-1].append(tokens)
            used += len(tokens)
        return packs

    def close(self) -> None:
        """Free the context."""
        if self._context:
            self._context.close()

    def _fill(self, inputs: list[list[int]], start: int) -> int:
        at, end = 0, start
        while (
            end < len(inputs)
            and end - start < _PARALLEL
            and at + len(inputs[end]) <= len(self._batch.tokens)
        ):
            at = self._batch.fill(at, inputs[end], 0, end - start)
            end += 1
        self._batch.outputs[:at] = 1
        return end

    def _ensure(self, longest: int) -> Context:
        if self._context and longest <= len(self._batch.tokens):
            return self._context
        size = min(self._context_length, max(_SMALLEST, 1 << (longest - 1).bit_length()))
        self.close()
        self._context = self._create(size, Pooling.UNSPECIFIED)
        if self._context.pooling == Pooling.NONE:
            self._context.close()
            self._context = self._create(size, Pooling.MEAN)
        if self._context.pooling == Pooling.RANK:
            raise InvalidRequest(
                "This model ranks, it does not embed.",
                hint="Use an embedding model.",
                param="model",
            )
        self._batch = Batch(size)
        return self._context

    def _create(self, size: int, pooling: Pooling) -> Context:
        shape = ContextShape(
            tokens=size,
            sequences=_PARALLEL,
            batch=size,
            micro_batch=size,
            threads=self._threads,
            embeddings=True,
            pooling=pooling,
        )
        context = Context.create(self._model, shape)
        if context is None:
            raise NoRoom(
                "There is no memory for an embedding context.", hint="Unload another model first."
            )
        return context


def _normalised(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector
