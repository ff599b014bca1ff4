"""Loads an OpenAI-compatible server with streamed chats and measures what a user would feel.

The only module of this package on asyncio and aiohttp: a load of many streams at once would measure
threads instead of the server. Prompts are made of common words, nearly all one token each in any
vocabulary, and differ from round to round, so that no server answers from what it read before; only
the part that a case declares shared is the same for its requests.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable

import aiohttp
import msgspec

from llmd.errors import LlmdError

_WORDS = (
    "time year people way day man thing woman life child world school state family student group "
    "country problem hand part place case week company system program question work number night "
    "point home water room mother area money story fact month lot right study book eye job word "
    "business issue side kind head house service friend"
).split()
_TIMEOUT = 900.0
_SHOWN = 200
_OK = 200


class Target(msgspec.Struct, frozen=True):
    """A server under load; `url` ends before `/chat/completions`."""

    url: str
    model: str
    api_key: str = ""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """The same for every server: `prompt` words of a request's own after `shared` ones that all
    have, and `answer` tokens.
    """

    requests: int
    concurrency: int
    prompt: int
    answer: int
    shared: int = 0


class Answer(msgspec.Struct):
    """What one request gave; seconds since it was sent."""

    first: float = 0.0
    last: float = 0.0
    pieces: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    tokens: int = 0
    error: str = ""


class Outcome(msgspec.Struct):
    """What one round gave."""

    work: Work
    seconds: float
    answers: list[Answer]

    @property
    def good(self) -> list[Answer]:
        """Answers that came without an error."""
        return [answer for answer in self.answers if not answer.error]

    @property
    def errors(self) -> list[str]:
        """What went wrong."""
        return [answer.error for answer in self.answers if answer.error]

    @property
    def short(self) -> int:
        """Answers with fewer tokens than asked for."""
        return sum(answer.tokens < self.work.answer for answer in self.good)

    @property
    def rate(self) -> float:
        """Tokens written per second, all requests together."""
        return sum(answer.tokens for answer in self.good) / self.seconds

    @property
    def first_token(self) -> float:
        """Median seconds to the first token; NaN when there was none."""
        return _median([answer.first for answer in self.good])

    @property
    def prompt_rate(self) -> float:
        """Median prompt tokens read per second until the first token came."""
        return _median(
            [answer.prompt_tokens / answer.first for answer in self.good if answer.first]
        )

    @property
    def stream_rate(self) -> float:
        """Median tokens per second of one stream after its first token."""
        spans = [(answer.tokens - 1, answer.last - answer.first) for answer in self.good]
        return _median([tokens / seconds for tokens, seconds in spans if tokens and seconds > 0])

    @property
    def cached_share(self) -> float:
        """Share of the prompt tokens that came from the server's cache, as far as it tells."""
        read = sum(answer.prompt_tokens for answer in self.good)
        return sum(answer.cached_tokens for answer in self.good) / read if read else 0.0


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")


def prompts(work: Work, seed: int) -> list[str]:
    """Return the prompts of a round; another seed gives others, from the first word on."""
    rng = random.Random(seed)  # noqa: S311  words, no secrets

    def words(count: int) -> str:
        return " ".join(rng.choice(_WORDS) for _ in range(count))

    common = f"{seed} {words(work.shared)} " if work.shared else ""
    return [f"{common}{seed}-{number} {words(work.prompt)}" for number in range(work.requests)]


async def run(target: Target, work: Work, seed: int) -> Outcome:
    """Run one round; what fails is in the outcome, nothing is raised."""
    gate = asyncio.Semaphore(work.concurrency)
    async with _session(target) as http:

        async def one(prompt: str) -> Answer:
            async with gate:
                return await _ask(http, target, work, prompt)

        started = time.perf_counter()
        answers = await asyncio.gather(*(one(prompt) for prompt in prompts(work, seed)))
        return Outcome(work, time.perf_counter() - started, list(answers))


async def models(target: Target) -> list[str]:
    """Return the names of a server's models; raise LlmdError when it does not answer."""
    try:
        async with _session(target) as http, http.get(f"{target.url}/models") as response:
            response.raise_for_status()
            body = msgspec.json.decode(await response.read())
            return [str(model["id"]) for model in body["data"]]
    except (aiohttp.ClientError, OSError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise LlmdError(
            f"{target.url} does not answer as an OpenAI-compatible server: {error}.",
            hint="Give its base URL, such as http://localhost:8080/v1, and --api-key if it "
            "wants one.",
        ) from error


def _session(target: Target) -> aiohttp.ClientSession:
    # servers that close idle connections without saying so would otherwise look as if they failed
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    headers = {"Authorization": f"Bearer {target.api_key}"} if target.api_key else {}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
    return aiohttp.ClientSession(timeout=timeout, connector=connector, headers=headers)


async def _ask(http: aiohttp.ClientSession, target: Target, work: Work, prompt: str) -> Answer:
    body = {
        "model": target.model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": work.answer,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
    }
    answer = Answer()
    started = time.perf_counter()

    def now() -> float:
        return time.perf_counter() - started

    try:
        async with http.post(f"{target.url}/chat/completions", json=body) as response:
            if response.status != _OK:
                answer.error = f"{response.status} {(await response.text())[:_SHOWN]}"
                return answer
            rest = b""
            async for data in response.content.iter_any():
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    take(answer, line, now)
            take(answer, rest, now)
    except (aiohttp.ClientError, OSError, msgspec.DecodeError) as error:
        answer.error = repr(error)[:_SHOWN]
    answer.tokens = answer.tokens or answer.pieces
    if not answer.error and not answer.tokens:
        answer.error = "the stream ended without a token"
    return answer


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[object] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    completion_tokens: int | None = None
    prompt_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: object = None


# a load generator that takes its time measures itself
_decode = msgspec.json.Decoder(_Chunk).decode


def take(answer: Answer, line: bytes, now: Callable[[], float]) -> None:
    """Add one line of a stream to an answer; reasoning and tool calls count as text does."""
    if not line.startswith(b"data: {"):
        return
    event = _decode(line[6:])
    if event.error:
        answer.error = str(event.error)[:_SHOWN]
    if usage := event.usage:
        answer.tokens = usage.completion_tokens or 0
        answer.prompt_tokens = usage.prompt_tokens or 0
        details = usage.prompt_tokens_details
        answer.cached_tokens = (details.cached_tokens if details else 0) or 0
    for choice in event.choices or []:
        said = choice.delta is not None and _says(choice.delta)
        answer.pieces += said
        # tokens may have no text of their own; then the end is the first that is seen of them
        if said or (choice.finish_reason and not answer.first):
            answer.last = now()
            answer.first = answer.first or answer.last


def _says(delta: _Delta) -> bool:
    return bool(delta.content or delta.reasoning_content or delta.tool_calls)
