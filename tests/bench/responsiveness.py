"""How llmd feels while much is going on: gaps in a running stream while a long prompt is read, and
the first token of a conversation that is reopened after the daemon was restarted.

    python -m tests.bench.responsiveness [--vocab VOCAB.gguf] [--shape 0.5b] [--rounds 3]

Compares with the same tokens of the same stream undisturbed, and with the same conversation read for the first time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec

from llmd.client.load import Work, prompts
from tests.bench.serving import free_port
from tests.fakes.random_model import write_random_model

PROMPT = 4000
CONVERSATION = 3000


def daemon_environment(home: Path, threads: int) -> dict[str, str]:
    return {
        **os.environ,
        "LLMD_HOME": str(home),
        "LLMD_ENGINE_CONTEXT_LENGTH": "8192",
        "LLMD_ENGINE_KV_TOKENS": "16384",
        "LLMD_ENGINE_THREADS": str(threads),
        "LLMD_SPECULATION_MODE": "off",
    }


@contextlib.contextmanager
def daemon(environment: dict[str, str]) -> Iterator[str]:
    """Run a daemon; yield its base URL."""
    port = free_port()
    with Path(environment["LLMD_HOME"], "serve.log").open("a") as log:
        command = [sys.executable, "-m", "llmd", "serve", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}/v1"
            for _ in range(200):
                with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/models"):
                    break
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()
            process.wait()


async def stream(
    http: aiohttp.ClientSession, url: str, prompt: str, answer: int, times: list[float]
) -> None:
    """Ask for an answer and note when each of its pieces came."""
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": answer,
        "temperature": 0,
        "ignore_eos": True,
        "stream": True,
    }
    async with http.post(f"{url}/chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.content:
            if line.startswith(b"data: {"):
                event = msgspec.json.decode(line[6:])
                if any(choice["delta"].get("content") for choice in event["choices"]):
                    times.append(time.perf_counter())


def words(count: int, seed: int) -> str:
    return prompts(Work(requests=1, concurrency=1, prompt=count, answer=1), seed)[0]


@dataclass(frozen=True)
class Gaps:
    """Seconds between the pieces of a stream: undisturbed at its beginning, beside a prompt, and
    undisturbed again at the places of the answer where the prompt was read.
    """

    before: list[float]
    beside: list[float]
    alone: list[float]
    reading: float


async def disturbed(url: str, seed: int) -> tuple[list[float], int, int, float]:
    """Read a prompt beside a stream; return when the stream's pieces came, which of them came while
    it was read, and the seconds that took.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=900)) as http:
        times: list[float] = []
        running = asyncio.ensure_future(stream(http, url, words(16, seed), 4000, times))
        while len(times) < 60:
            await asyncio.sleep(0.02)
        started, begin = time.perf_counter(), len(times)
        await stream(http, url, words(PROMPT, seed + 1000), 1, [])
        reading, end = time.perf_counter() - started, len(times)
        running.cancel()
        return times, begin, end, reading


async def alone(url: str, seed: int, answer: int) -> list[float]:
    """Return when the pieces of the same stream come with nothing else running."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=900)) as http:
        times: list[float] = []
        await stream(http, url, words(16, seed), answer, times)
        return times


def gaps(environment: dict[str, str], seed: int) -> Gaps:
    """Disturb a stream by a long prompt, then have another daemon write the same answer without."""
    with daemon(environment) as url:
        asyncio.run(first_token(url, "warm up"))
        times, begin, end, reading = asyncio.run(disturbed(url, seed))
    with daemon(environment) as url:
        asyncio.run(first_token(url, "warm up"))
        again = asyncio.run(alone(url, seed, end))
    beside, plain = differences(times[begin:end]), differences(again[begin:end])
    return Gaps(differences(times[10:60]), beside, plain, reading)


def differences(times: list[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(times)]


async def first_token(url: str, prompt: str) -> float:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=900)) as http:
        times: list[float] = []
        started = time.perf_counter()
        await stream(http, url, prompt, 2, times)
        return times[0] - started


def measure_gaps(environment: dict[str, str], rounds: int) -> None:
    # nothing is left of one run for the next
    environment = {**environment, "LLMD_CACHE_DISK": "0"}
    found = [gaps(environment, seed) for seed in range(rounds)]

    def figure(of: Callable[[Gaps], float]) -> float:
        return statistics.median(of(one) for one in found)

    def share(one: Gaps, place: int) -> float:
        cuts = statistics.quantiles(one.beside, n=100)
        return cuts[place - 1] / statistics.fmean(one.alone)

    mean = statistics.fmean
    print(
        f"a stream's mean gap while {PROMPT} prompt tokens are read: "
        f"{figure(lambda one: mean(one.beside) / mean(one.alone)):.2f} times that of the same "
        f"tokens alone, {figure(lambda one: mean(one.alone)) * 1000:.1f} ms (aim: 2.00), and "
        f"{figure(lambda one: mean(one.beside) / statistics.median(one.before)):.2f} times the "
        f"median before, {figure(lambda one: statistics.median(one.before)) * 1000:.1f} ms; "
        f"percentiles 50, 95, 99: {figure(lambda one: share(one, 50)):.2f}, "
        f"{figure(lambda one: share(one, 95)):.2f}, {figure(lambda one: share(one, 99)):.2f} "
        f"times, longest {figure(lambda one: max(one.beside)) * 1000:.0f} ms; "
        f"reading took {figure(lambda one: one.reading):.1f} s"
    )


def measure_reopening(environment: dict[str, str], rounds: int) -> None:
    ratios, colds, warms = [], [], []
    for seed in range(rounds):
        prompt = words(CONVERSATION, 5000 + seed)
        with daemon(environment) as url:
            asyncio.run(first_token(url, "warm up"))
            colds.append(asyncio.run(first_token(url, prompt)))
        with daemon(environment) as url:
            asyncio.run(first_token(url, "warm up"))
            warms.append(asyncio.run(first_token(url, prompt)))
        ratios.append(warms[-1] / colds[-1])
    print(
        f"first token of a conversation of {CONVERSATION} tokens after a restart: "
        f"{statistics.median(warms):.3f} s against {statistics.median(colds):.3f} s cold, "
        f"{statistics.median(ratios):.3f} of it (aim: 0.25)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vocab", type=Path, help="a vocabulary-only GGUF")
    parser.add_argument("--shape", default="0.5b")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gaps-only", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = write_random_model(Path(folder) / "m.gguf", args.shape, vocab=args.vocab)
        environment = daemon_environment(Path(folder), args.threads)
        with daemon(environment):
            command = [sys.executable, "-m", "llmd", "import", str(model), "--name", "m"]
            subprocess.run(command, env=environment, check=True)
        measure_gaps(environment, args.rounds)
        if not args.gaps_only:
            measure_reopening(environment, args.rounds)


if __name__ == "__main__":
    main()
