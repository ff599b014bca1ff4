"""Loads one OpenAI-compatible server with streamed chats and measures what a user would feel."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from dataclasses import dataclass, field

import aiohttp

_WORDS = (
    "time year people way day man thing woman life child world school state family student group country problem hand part "
    "place case week company system program question work number night point home water room mother area money story fact "
    "month lot right study book eye job word business issue side kind head house service friend"
).split()


@dataclass(frozen=True)
class Work:
    """The same for every server: requests, how many at a time, words a prompt, tokens an answer."""

    requests: int
    concurrency: int
    prompt: int
    answer: int


@dataclass
class Outcome:
    """What one round gave."""

    seconds: float = 0.0
    tokens: int = 0
    short: int = 0
    errors: list[str] = field(default_factory=list)
    first: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Tokens per second of the whole round."""
        return self.tokens / self.seconds

    @property
    def first_token(self) -> float:
        """Median seconds to the first token."""
        return statistics.median(self.first) if self.first else float("nan")


def _prompt(seed: int, number: int, words: int) -> str:
    # a new first word for every round and request: no server may profit from its prompt cache
    rng = random.Random(seed * 100_003 + number)
    return f"{seed}-{number} " + " ".join(rng.choice(_WORDS) for _ in range(words))


async def _one(
    http: aiohttp.ClientSession, url: str, model: str, work: Work, prompt: str, outcome: Outcome
) -> None:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": work.answer,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
    }
    started = time.perf_counter()
    first, pieces, usage = None, 0, None
    try:
        async with http.post(f"{url}/chat/completions", json=body) as response:
            if response.status != 200:
                outcome.errors.append(f"{response.status} {(await response.text())[:200]}")
                return
            async for line in response.content:
                if not line.startswith(b"data: {"):
                    continue
                event = json.loads(line[6:])
                if "error" in event:
                    outcome.errors.append(str(event)[:200])
                    return
                usage = event.get("usage") or usage
                if any(choice["delta"].get("content") for choice in event.get("choices") or []):
                    pieces += 1
                    first = first or time.perf_counter() - started
    except (aiohttp.ClientError, OSError) as error:
        outcome.errors.append(repr(error)[:200])
        return
    tokens = (usage or {}).get("completion_tokens") or pieces
    outcome.tokens += tokens
    outcome.short += tokens < work.answer
    outcome.first.append(first or float("nan"))


async def run(url: str, model: str, work: Work, seed: int) -> Outcome:
    """Run one round."""
    outcome = Outcome()
    gate = asyncio.Semaphore(work.concurrency)
    timeout = aiohttp.ClientTimeout(total=900)
    # servers that close idle connections without saying so would otherwise look as if they failed
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:

        async def one(number: int) -> None:
            async with gate:
                await _one(http, url, model, work, _prompt(seed, number, work.prompt), outcome)

        started = time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(work.requests)))
        outcome.seconds = time.perf_counter() - started
    return outcome
