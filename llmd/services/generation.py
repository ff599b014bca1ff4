"""Answers prompts and asks models questions: finds the model, runs the request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing, asynccontextmanager, nullcontext

from llmd.errors import InvalidRequest, LlmdError, ModelNotFound, NoModel
from llmd.models.presets import effect
from llmd.protocol.callers import Caller
from llmd.protocol.events import Accepted, Event
from llmd.protocol.models import Kind, Medium, ModelManifest
from llmd.protocol.placement import LoadOptions
from llmd.protocol.questions import Embed, Embeddings, Question, Ranking, Render, Rerank, Scores
from llmd.protocol.requests import GenerateRequest
from llmd.runtime.replay import Replay
from llmd.runtime.workers import R
from llmd.services.constraints import Constraints
from llmd.services.defaults import UNNAMED, Defaults
from llmd.services.gate import Gate
from llmd.services.lengths import Lengths
from llmd.services.requests import Requests
from llmd.services.revocations import Revocations

Indexed = tuple[int, Event]

_ABLE = {
    Kind.CHAT: {Kind.CHAT},
    Kind.EMBEDDING: {Kind.CHAT, Kind.EMBEDDING},
    Kind.RERANK: {Kind.RERANK},
}
_IS = {Kind.CHAT: "a chat model", Kind.EMBEDDING: "an embedding model", Kind.RERANK: "a reranker"}
_DOES = {Kind.CHAT: "generate text", Kind.EMBEDDING: "embed", Kind.RERANK: "rank"}


class Generation:
    """The two things a model does."""

    def __init__(  # noqa: PLR0913, PLR0917  what a request passes through
        self,
        defaults: Defaults,
        replay: Replay,
        constraints: Constraints,
        gate: Gate,
        requests: Requests,
        lengths: Lengths | None = None,
        revocations: Revocations | None = None,
    ) -> None:
        self._defaults = defaults
        self._replay = replay
        self._constraints = constraints
        self._gate = gate
        self._requests = requests
        self._lengths = lengths or Lengths()
        self._revocations = revocations or Revocations()

    def resolve(
        self,
        name: str | None,
        kind: Kind | None = Kind.CHAT,
        *,
        media: Collection[Medium] = (),
    ) -> ModelManifest:
        """Return the model a request means, which may hold `media`; raise ModelNotFound, or
        InvalidRequest when it cannot do this. A `kind` of None stands for what any model can do.

        Raises NoModel where no model is named and the one for chats, of which there should always
        be one, is not there; embedding models and rerankers nobody needs to have.
        """
        wanted = kind or Kind.CHAT
        try:
            manifest = self._defaults.resolve(name, wanted, media=media)
        except ModelNotFound as error:
            if name not in UNNAMED or wanted is not Kind.CHAT:
                raise
            raise NoModel(error.message, hint=error.hint) from error
        if kind is None:
            return manifest
        able = _ABLE[kind]
        if manifest.kind not in able:
            raise InvalidRequest(
                f"{manifest.name} is {_IS[manifest.kind]}; it cannot {_DOES[kind]}.",
                hint=f"Name {_IS[kind]}.",
                param="model",
            )
        return manifest

    async def stream(
        self,
        model: ModelManifest,
        requests: Sequence[GenerateRequest],
        caller: Caller = Caller(),  # noqa: B008  frozen
        wish: LoadOptions = LoadOptions(),  # noqa: B008  frozen
    ) -> AsyncGenerator[Indexed]:
        """Answer several prompts at once; yield (index of the prompt, event). The first failure
        ends all. `wish` says how they would like the model loaded
        if it must be.
        """
        requests = [effect.request(model.preset, request) for request in requests]
        self._lengths.check(request.prompt for request in requests)
        with self._gate.enter():
            await self._constraints.admit(requests)
            if len(requests) == 1:
                async with self._answered(model, requests[0], caller, wish) as (events, take):
                    async for event in events:
                        take(event)
                        yield 0, event
                return
            streams = [self._one(model, request, caller, wish) for request in requests]
            async with aclosing(_merge(streams)) as merged:
                async for indexed in merged:
                    yield indexed

    async def ask(
        self,
        model: ModelManifest,
        question: Question,
        kind: type[R],
        caller: Caller = Caller(),  # noqa: B008  frozen
        wish: LoadOptions = LoadOptions(),  # noqa: B008  frozen
    ) -> R:
        """Ask a model a question; `kind` is the reply it has."""
        if isinstance(question, Render):
            question = Render(effect.conversation(model.preset, question.prompt))
        self._lengths.check([question])
        self._requests.asking(model.name, question)
        counts = isinstance(question, Embed | Rerank)
        with self._gate.enter(), self._requests.timed(model.name) if counts else nullcontext():
            asking = self._replay.ask(model, question, kind, wish)
            reply = await self._revocations.bounded(caller, asking)
        if isinstance(reply, Embeddings | Ranking | Scores):
            self._requests.asked(model.name, reply.tokens, caller)
        return reply

    async def _one(
        self, model: ModelManifest, request: GenerateRequest, caller: Caller, wish: LoadOptions
    ) -> AsyncGenerator[Event]:
        async with self._answered(model, request, caller, wish) as (events, take):
            async for event in events:
                take(event)
                yield event

    @asynccontextmanager
    async def _answered(
        self, model: ModelManifest, request: GenerateRequest, caller: Caller, wish: LoadOptions
    ) -> AsyncIterator[tuple[AsyncGenerator[Event], Callable[[Event], None]]]:
        """Hand out the events of one answer, and what wants to see each of them."""
        with (
            self._requests.follow(model.name, request, caller) as follow,
            self._revocations.watching(caller, follow.stop),
        ):

            def take(event: Event) -> None:
                if isinstance(event, Accepted):
                    self._lengths.accepted(event)
                follow(event)

            answer = self._replay.generate(model, request, wish)
            async with aclosing(follow.stop.guard(answer)) as events:
                yield events, take


async def _merge(streams: Sequence[AsyncGenerator[Event]]) -> AsyncGenerator[Indexed]:
    """Interleave several streams as their events come; the first failure cancels the others."""
    arrived: asyncio.Queue[tuple[int, Event | LlmdError | None]] = asyncio.Queue(
        maxsize=len(streams)
    )

    async def forward(index: int, stream: AsyncGenerator[Event]) -> None:
        try:
            async with aclosing(stream) as events:
                async for event in events:
                    await arrived.put((index, event))
            await arrived.put((index, None))
        except LlmdError as error:
            await arrived.put((index, error))

    tasks = [asyncio.ensure_future(forward(i, stream)) for i, stream in enumerate(streams)]
    try:
        left = len(tasks)
        while left:
            index, event = await arrived.get()
            if isinstance(event, LlmdError):
                raise event
            if event is None:
                left -= 1
            else:
                yield index, event
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
