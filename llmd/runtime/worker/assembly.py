"""Builds the engine's sequence from a request: tokens, sampler, text stream, limits."""

from __future__ import annotations

import sys
import time
from functools import cached_property
from typing import TYPE_CHECKING

from llmd.chat.template import Rendering
from llmd.engine.grammar.constrained import ConstrainedSampler
from llmd.engine.loading import Opened
from llmd.engine.media_cache import Encoded
from llmd.engine.sampling import Sampler, make_sampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.errors import InvalidRequest
from llmd.protocol.frames import Generate
from llmd.protocol.requests import ChatPrompt, GenerateRequest, Speculation
from llmd.runtime.worker.guesses import checked, expected, steadied
from llmd.runtime.worker.illustrator import Illustrated
from llmd.runtime.worker.intake import Intake
from llmd.runtime.worker.outline import outline
from llmd.runtime.worker.steering import Course, Steering

if TYPE_CHECKING:
    from llmd.engine.grammar.compiler import Compiler
    from llmd.engine.grammar.matcher import Matcher


class Assembly:
    """Prepares requests for one loaded model; runs in the preparer thread."""

    def __init__(self, opened: Opened, intake: Intake) -> None:
        self._opened = opened
        self._intake = intake
        self._steering = Steering(opened.model.vocab, lambda: self.compiler)

    @cached_property
    def compiler(self) -> Compiler:
        """What compiles constraints, made for the first that comes."""
        # llguidance takes 50 ms and 10 MB to import, and many models never see a constraint
        from llmd.engine.bindings.guidance import guide  # noqa: PLC0415  as above
        from llmd.engine.grammar.compiler import Compiler  # noqa: PLC0415  as above

        vocab = self._opened.model.vocab
        return Compiler(lambda: guide(vocab))

    def sequence(self, asked: Generate | Illustrated) -> Sequence:
        """Return the sequence that answers a request; raise InvalidRequest or ContextOverflow."""
        frame, shown, arrived = _unpacked(asked)
        engine, request, vocab = self._opened.engine, frame.request, self._opened.model.vocab
        if engine is None:
            raise InvalidRequest(
                "This is an embedding model; it cannot generate text.", param="model"
            )
        speculation = steadied(checked(request.speculation, engine.modes), request.sampling)
        prepared = self._intake.prompt(request, shown)
        # before there is a sampler to close: these may refuse the request
        space = self._opened.adapters.resolve(request.adapters)
        matcher = self.compiler.matcher(request.constraint) if request.constraint else None
        course = self._course(request, prepared.rendering, matcher)
        return Sequence(
            id=frame.id,
            tokens=prepared.tokens,
            sampler=self._sampler(request, prepared.tokens, course, matcher),
            text=TextStream([*request.stop, *self._intake.stops]),
            timing=Timing(arrived),
            max_tokens=request.max_tokens if request.max_tokens is not None else sys.maxsize,
            # a grammar that can only end must end: its sampler ignores the others itself
            ignore_eos=request.ignore_eos and matcher is None and not (course and course.forced),
            reader=course.reader if course else None,
            overflow=request.overflow,
            logprobs=request.logprobs,
            dropped=prepared.dropped,
            space=space,
            lane=request.lane,
            client=request.client,
            cache_prompt=request.cache_prompt,
            # drafting looks at the tokens before, which say nothing where media are
            speculation=Speculation("off") if prepared.media else speculation,
            prediction=expected(speculation, vocab, engine.context_length),
            media=prepared.media,
            outline=outline(request.prompt, prepared.rendering.text)
            if isinstance(request.prompt, ChatPrompt)
            else None,
        )

    def _sampler(
        self,
        request: GenerateRequest,
        prompt: list[int],
        course: Course | None,
        matcher: Matcher | None,
    ) -> Sampler:
        """Return what chooses the tokens of an answer, held to its course or form."""
        vocab = self._opened.model.vocab
        sampler = make_sampler(
            request.sampling,
            vocab,
            # penalties know nothing of the tokens that stand for media
            [token for token in prompt if token >= 0],
            self._opened.ready.context_length,
            ignore_eos=request.ignore_eos,
        )
        if course:
            return self._steering.sampler(sampler, course)
        return ConstrainedSampler(sampler, matcher, vocab) if matcher else sampler

    def _course(
        self, request: GenerateRequest, rendering: Rendering, demanded: Matcher | None
    ) -> Course | None:
        """Return what steers the answer to a chat prompt, as it was rendered."""
        prompt = request.prompt
        if not isinstance(prompt, ChatPrompt):
            return None
        return self._steering.course(prompt, self._intake.layout(prompt, rendering), demanded)


def _unpacked(asked: Generate | Illustrated) -> tuple[Generate, list[Encoded], float]:
    """Return a request, its media, and the monotonic second it came in."""
    if isinstance(asked, Illustrated):
        return asked.frame, asked.shown, asked.arrived
    return asked, [], time.monotonic()
