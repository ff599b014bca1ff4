"""What open dashboards cost: processor time of the daemon with eight browsers on the overview, and
with none.

    python -m tests.bench.dashboards [--seconds 20] [--watchers 8] [--streams 4] [--regions ...]

A real daemon has the built-in model loaded; it is measured idle, and again while a few answers are
streamed. Readers of `/web/live` ask for all that the page asks for; half of them speak Chinese. The
same span is measured without and with them, in turn, and the difference is what they cost; how many
tokens are streamed meanwhile depends on what else the machine does, and is reckoned with.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.bench.overhead import Served, daemon, owner

REGIONS = (
    "bar-requests,bar-models,bar-deployments,overview-past,overview-figures,overview-warnings,"
    "overview-models,overview-work,overview-machine,overview-daemon"
)
MOST = 3.0
"""Percent of one core that all dashboards together may cost."""
SETTLING = 3.0


async def read(session: aiohttp.ClientSession, url: str, language: str, taken: list[int]) -> None:
    """Be a dashboard, until cancelled; note the bytes that come."""
    async with session.get(url, headers={"Accept-Language": language}) as answer:
        assert answer.status == 200, await answer.text()
        async for piece in answer.content.iter_any():
            taken.append(len(piece))


async def ask(session: aiohttp.ClientSession, address: str, tokens: list[int]) -> None:
    """Have one answer after the other streamed, until cancelled; count what comes."""
    body = {
        "model": "llmd-tiny",
        "messages": [{"role": "user", "content": "Tell me something."}],
        "max_tokens": 400,
        "ignore_eos": True,
        "stream": True,
    }
    while True:
        async with session.post(f"{address}/v1/chat/completions", json=body) as answer:
            assert answer.status == 200, await answer.text()
            async for piece in answer.content.iter_any():
                tokens[0] += piece.count(b"data: ")


@asynccontextmanager
async def running(*jobs: asyncio.Task[None]) -> AsyncIterator[None]:
    """Have jobs run for the length of a `with`."""
    try:
        yield
        ended = [job for job in jobs if job.done()]
        for job in ended:
            job.result()
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


@dataclass(frozen=True)
class Span:
    """What was seen in a while."""

    percent: float
    """Of one core, that the daemon took."""
    tokens: float
    """Streamed in a second."""


async def watch(served: Served, seconds: float, tokens: list[int]) -> Span:
    """Watch the daemon for a while."""
    await asyncio.sleep(SETTLING)
    before, counted, started = served.spent(), tokens[0], time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - started
    return Span(100 * (served.spent() - before) / took, (tokens[0] - counted) / took)


async def measure(served: Served, given: argparse.Namespace, streams: int) -> float:
    """Print what the dashboards cost while so many answers are streamed, and return it."""
    url = f"{served.address}/web/live?regions={given.regions}"
    plain, costs, taken, tokens = [], [], list[int](), [0]
    languages = [("en", "zh")[number % 2] for number in range(given.watchers)]
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    ) as session:
        asking = [ask(session, served.address, tokens) for _ in range(streams)]
        async with running(*map(asyncio.ensure_future, asking)):
            for _ in range(given.rounds):
                alone = await watch(served, given.seconds, tokens)
                watching = [read(session, url, language, taken) for language in languages]
                async with running(*map(asyncio.ensure_future, watching)):
                    watched = await watch(served, given.seconds, tokens)
                plain.append(alone)
                share = watched.tokens / alone.tokens if alone.tokens else 1.0
                costs.append(watched.percent - alone.percent * share)
    spans = given.rounds * (given.seconds + SETTLING) * max(given.watchers, 1)
    middle = statistics.median(costs)
    print(
        f"{streams} streams, {statistics.median(one.tokens for one in plain):.0f} tokens/s: "
        f"{statistics.median(one.percent for one in plain):.2f}% of a core without, "
        f"{given.watchers} dashboards cost {middle:.2f}% more "
        f"({', '.join(f'{cost:.2f}' for cost in costs)}); "
        f"{sum(taken) / spans / 1000:.2f} kB/s for each",
        flush=True,
    )
    return middle


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--watchers", type=int, default=8)
    options.add_argument("--streams", type=int, default=4)
    options.add_argument("--regions", default=REGIONS)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with daemon(home, ["-m", "llmd", "serve"]) as served:
            with contextlib.suppress(json.JSONDecodeError):  # the answer is lines of JSON
                owner(home, "POST", "/control/load", {"model": "llmd-tiny"})
            costs = [asyncio.run(measure(served, given, count)) for count in (0, given.streams)]
    return 0 if max(costs) < MOST else 1


if __name__ == "__main__":
    raise SystemExit(main())
