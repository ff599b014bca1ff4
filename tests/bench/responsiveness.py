"""How llmd feels while much is going on: gaps in a running stream while a long prompt is read, and
the first token of a conversation that is reopened after the daemon was restarted.

    python -m tests.bench.responsiveness [--vocab VOCAB.gguf] [--shape 0.5b] [--rounds 3]

Compares with the same stream undisturbed, and with the same conversation read for the first time.
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
from collections.abc import Iterator
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


async def gaps(url: str, seed: int) -> tuple[list[float], list[float], float]:
    """Return the gaps of a stream alone and beside a prompt, and the seconds reading it took."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=900)) as http:
        times: list[float] = []
        running = asyncio.ensure_future(stream(http, url, words(16, seed), 4000, times))
        while len(times) < 60:
            await asyncio.sleep(0.02)
        alone = times[10:60]
        first: list[float] = []
        started = time.perf_counter()
        await stream(http, url, words(PROMPT, seed + 1000), 1, first)
        ended = time.perf_counter()
        running.cancel()
        beside = [at for at in times if started <= at <= ended]
        return differences(alone), differences(beside), ended - started


def differences(times: list[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(times)]


async def first_token(url: str, prompt: str) -> float:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=900)) as http:
        times: list[float] = []
        started = time.perf_counter()
        await stream(http, url, prompt, 2, times)
        return times[0] - started


def measure_gaps(environment: dict[str, str], rounds: int) -> None:
    with daemon(environment) as url:
        asyncio.run(first_token(url, "warm up"))
        ratios, worst, plain, reading = [], [], [], []
        for seed in range(rounds):
            alone, beside, seconds = asyncio.run(gaps(url, seed))
            plain.append(statistics.median(alone))
            ratios.append(statistics.fmean(beside) / plain[-1])
            worst.append(statistics.quantiles(beside, n=20)[-1] / plain[-1])
            reading.append(seconds)
    print(
        f"a stream's mean gap while {PROMPT} prompt tokens are read: "
        f"{statistics.median(ratios):.2f} times the median of {statistics.median(plain) * 1000:.1f} ms "
        f"alone (aim: 2.00), its 95th percentile {statistics.median(worst):.2f} times; "
        f"reading took {statistics.median(reading):.1f} s"
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
