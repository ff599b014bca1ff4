"""How likely a given text is: log-probabilities of every token of a prompt.

The running batch asks llama.cpp for one row of logits a sequence; here every token needs one. So
texts are read in a context of their own, in chunks that fit between two steps of the batch, and the
context goes when the text is read: a KV cache for it alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from llmd.engine.adapters import AdapterKey, Adapters
from llmd.engine.bindings import Batch, Context, ContextShape, Model
from llmd.engine.logprobs import explain
from llmd.errors import NoRoom
from llmd.protocol.events import TokenLogprob

CHUNK = 64
"""Tokens a call reads; each needs a row of logits, which is megabytes for large vocabularies."""

BUSY_CHUNK = 16
"""The same while answers are being written, which wait for the call to end."""


@dataclass(slots=True)
class Scoring:
    """One text being read: `explained` has an entry for each token after the first, so far."""

    tokens: list[int]
    alternatives: int
    adapters: AdapterKey = ()
    read: int = 0
    explained: list[TokenLogprob] = field(default_factory=list)
    context: Context | None = None

    @property
    def done(self) -> bool:
        """Whether the whole text is read; the last token predicts nothing that was asked for."""
        return self.read >= len(self.tokens) - 1


class Scorer:
    """Scores texts with one model."""

    def __init__(self, model: Model, adapters: Adapters, threads: int, kv_type: str) -> None:
        self._model = model
        self._adapters = adapters
        self._threads = threads
        self._kv_type = kv_type
        self._batch = Batch(CHUNK)

    def advance(self, scoring: Scoring, most: int = CHUNK) -> None:
        """Read `most` more tokens; raise NoRoom, or what reading an adapter raises."""
        context = scoring.context = scoring.context or self._create(scoring)
        start = scoring.read
        tokens = scoring.tokens[start : min(start + most, len(scoring.tokens) - 1)]
        self._batch.fill(0, tokens, start, 0)
        self._batch.outputs[: len(tokens)] = 1
        if context.decode(self._batch, len(tokens)):
            raise NoRoom("The prompt did not fit into memory.", hint="Send a shorter one.")
        for offset, row in enumerate(context.logits(len(tokens))):
            following = scoring.tokens[start + offset + 1]
            scoring.explained.append(
                explain(row, following, scoring.alternatives, self._model.vocab)
            )
        scoring.read += len(tokens)

    def release(self, scoring: Scoring) -> None:
        """Free what a text that is read, or not to be read any further, holds."""
        if scoring.context:
            scoring.context.close()
            scoring.context = None

    def _create(self, scoring: Scoring) -> Context:
        shape = ContextShape(
            tokens=-(-len(scoring.tokens) // 256) * 256,
            sequences=1,
            batch=CHUNK,
            micro_batch=CHUNK,
            threads=self._threads,
            outputs=CHUNK,
            kv_type=self._kv_type,
        )
        context = Context.create(self._model, shape)
        if context is None:
            raise NoRoom(
                "There is no memory to read the prompt a second time.",
                hint="Leave out logprobs or echo, or unload another model.",
            )
        self._adapters.activate(context, scoring.adapters)
        return context
