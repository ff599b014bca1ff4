"""Builds the engine's sequence from a request: tokens, sampler, text stream, limits."""

from __future__ import annotations

import sys
import time

from llmd.engine.loading import Opened
from llmd.engine.sampling import make_sampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.errors import InvalidRequest
from llmd.protocol.frames import Generate
from llmd.protocol.requests import EmbedRequest
from llmd.runtime.worker.intake import Intake


class Assembly:
    """Prepares requests for one loaded model; runs in the preparer thread."""

    def __init__(self, opened: Opened, intake: Intake) -> None:
        self._opened = opened
        self._intake = intake

    def sequence(self, frame: Generate) -> Sequence:
        """Return the sequence that answers a request; raise InvalidRequest or ContextOverflow."""
        engine, request, vocab = self._opened.engine, frame.request, self._opened.model.vocab
        if engine is None:
            raise InvalidRequest(
                "This is an embedding model; it cannot generate text.", param="model"
            )
        arrived = time.monotonic()
        prepared = self._intake.prompt(request)
        sampler = make_sampler(
            request.sampling,
            vocab,
            prepared.tokens,
            engine.context_length,
            ignore_eos=request.ignore_eos,
        )
        return Sequence(
            id=frame.id,
            tokens=prepared.tokens,
            sampler=sampler,
            text=TextStream([*request.stop, *self._intake.stops]),
            timing=Timing(arrived),
            max_tokens=request.max_tokens if request.max_tokens is not None else sys.maxsize,
            ignore_eos=request.ignore_eos,
            overflow=request.overflow,
            logprobs=request.logprobs,
            dropped=prepared.dropped,
        )

    def inputs(self, request: EmbedRequest) -> list[list[int]]:
        """Return the tokens of each text to embed; raise InvalidRequest or ContextOverflow."""
        return self._intake.inputs(request, self._opened.embedder.context_length)
