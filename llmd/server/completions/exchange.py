"""One request for text, from its OpenAI shape to an answer in that shape, over any transport.

Every dialect whose requests are OpenAI's goes through here, and gRPC too: they differ in how they
wrap what comes out.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import msgspec

from llmd.config.settings import MediaSettings
from llmd.models.presets import effect
from llmd.protocol.callers import Caller
from llmd.protocol.events import Accepted, Delta, Event, Queued
from llmd.protocol.models import ModelManifest, SamplingDefaults
from llmd.protocol.questions import Score, Scores, Tokens
from llmd.protocol.requests import GenerateRequest, Prompt
from llmd.server.completions import schema
from llmd.server.completions.convert import answers, line, media, requests, texts, wishes
from llmd.server.http.remote_media import fetch
from llmd.services.bundle import Services
from llmd.services.generation import Indexed


class Exchange:
    """A request whose prompts all fit, so that it is being answered; read it once, by `whole`, by
    `chunks` or by `events`.
    """

    def __init__(
        self,
        answer: answers.Answer,
        events: AsyncGenerator[Indexed],
        accepted: list[Accepted],
        headers: dict[str, str],
    ) -> None:
        self._answer = answer
        self._events = events
        self.accepted = accepted
        """How each prompt was taken in."""
        self.headers = headers
        """What its transport should tell: place in the line, dropped tokens, what would need the
        model loaded anew.
        """
        self.first_piece = 0.0
        """When the first piece came, by the monotonic clock; 0: none has."""
        self.last_piece = 0.0
        self._end: Callable[[], Awaitable[None]] = _nothing_else

    async def whole(self) -> schema.Completion:
        """Return the complete answer."""
        async for index, event in self._events:
            self._take(index, event)
        await self._end()
        return self._answer.whole()

    async def events(self) -> AsyncGenerator[Event]:
        """Yield what becomes of the first choice, as the model tells it."""
        async for index, event in self._events:
            self._take(index, event)
            if index == 0:
                yield event
        await self._end()

    async def chunks(self) -> AsyncGenerator[schema.Completion | Queued]:
        """Yield the answer piece by piece, and how the waiting line moves."""
        for chunk in self._answer.opening():
            yield chunk
        async for index, event in self._events:
            self._take(index, event)
            if isinstance(event, Queued):
                yield event
            for chunk in self._answer.chunks(index, event):
                yield chunk
        await self._end()
        for chunk in self._answer.closing():
            yield chunk

    def _take(self, index: int, event: Event) -> None:
        self._answer.take(index, event)
        if isinstance(event, Delta):
            self.last_piece = time.monotonic()
            self.first_piece = self.first_piece or self.last_piece

    @property
    def model(self) -> str:
        """The model that answers."""
        return self._answer.model

    @property
    def first(self) -> answers.Choice:
        """The first choice as far as it has come."""
        return self._answer.first

    @property
    def text(self) -> str:
        """What the first choice says so far."""
        return self._answer.first.text

    def before_end(self, call: Callable[[], Awaitable[None]]) -> None:
        """Have something done once the answer is complete, before anybody is told so."""
        self._end = call


@dataclass(frozen=True, slots=True)
class _Job:
    model: ModelManifest
    requests: list[GenerateRequest]
    answer: answers.Answer


def usual(services: Services, model: ModelManifest) -> SamplingDefaults:
    """Return how to sample where a request does not say."""
    return effect.sampling(services.sampling, model.preset.sampling)


@asynccontextmanager
async def chat(
    services: Services, caller: Caller, asked: schema.ChatRequest
) -> AsyncIterator[Exchange]:
    """Answer a conversation; leaving the `with` cancels what is not answered by then."""
    sources = media.sources(asked, services.media)
    model = services.generation.resolve(asked.model, media={source.medium for source in sources})
    wanted = requests.chat_requests(asked, usual(services, model))
    if sources:
        media.check(sources, model)
        wanted = media.attached(wanted, await _contents(sources, services.media))
    answer = answers.ChatAnswer(model.name, len(wanted), asked)
    async with _open(services, caller, asked, _Job(model, wanted, answer)) as exchange:
        yield exchange


@asynccontextmanager
async def text(
    services: Services, caller: Caller, asked: schema.CompletionRequest
) -> AsyncIterator[Exchange]:
    """Continue texts; leaving the `with` cancels what is not answered by then."""
    model = services.generation.resolve(asked.model)
    wanted = requests.completion_requests(asked, usual(services, model))
    echoes = [
        await _echo(services, caller, asked, model, prompt) for prompt in requests.prompts(asked)
    ]
    answer = texts.TextAnswer(model.name, asked, echoes)
    async with _open(services, caller, asked, _Job(model, wanted, answer)) as exchange:
        yield exchange


async def _contents(sources: Sequence[media.Source], settings: MediaSettings) -> list[bytes]:
    """Return the bytes of all media, fetching what is named by URL."""
    remote = [(source.where, source.url) for source in sources if source.url]
    fetched = iter(await fetch(remote, settings))
    return [next(fetched) if source.url else source.data for source in sources]


async def _echo(
    services: Services,
    caller: Caller,
    asked: schema.CompletionRequest,
    model: ModelManifest,
    prompt: Prompt,
) -> texts.Echo:
    question = texts.echo_question(asked, prompt)
    if question is None:
        return texts.echo(asked, prompt, None)
    ask = services.generation.ask
    if isinstance(question, Score):
        return texts.echo(asked, prompt, await ask(model, question, Scores, caller))
    return texts.echo(asked, prompt, await ask(model, question, Tokens, caller))


@asynccontextmanager
async def _open(
    services: Services,
    caller: Caller,
    asked: schema.Options,
    job: _Job,
) -> AsyncIterator[Exchange]:
    client, model = caller.turn(requests.user(asked)), job.model
    wanted = [msgspec.structs.replace(one, client=client) for one in job.requests]
    wish = wishes.wish(asked)
    services.residents.admit(model, wish, wishes.mismatch(asked))
    streaming = services.generation.stream(model, wanted, caller, wish)
    async with aclosing(streaming) as events:
        # nothing is said until every prompt is known to fit: a refusal still gets its status
        accepted, early = await _accepted(events, len(wanted))
        headers = line.headers(accepted)
        headers |= wishes.headers(services.residents.unmet(model, wish))
        if caller.owner and not early:
            yield Exchange(job.answer, events, accepted, headers)
            return
        async with aclosing(_chain(early, events, discreet=not caller.owner)) as later:
            yield Exchange(job.answer, later, accepted, headers)


async def _accepted(
    events: AsyncGenerator[Indexed], expected: int
) -> tuple[list[Accepted], list[Indexed]]:
    """Read until every prompt was accepted; return how they were, and what else came meanwhile."""
    accepted: list[Accepted] = []
    early: list[Indexed] = []
    while len(accepted) < expected:
        index, event = await anext(events)
        if isinstance(event, Accepted):
            accepted.append(event)
        else:
            early.append((index, event))
    return accepted, early


async def _chain(
    early: list[Indexed], events: AsyncGenerator[Indexed], *, discreet: bool
) -> AsyncGenerator[Indexed]:
    for index, event in early:
        yield index, line.discreet(event) if discreet else event
    async for index, event in events:
        yield index, line.discreet(event) if discreet else event


async def _nothing_else() -> None:
    """Where the end of an answer is only that."""
