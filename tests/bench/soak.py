"""Keeps a daemon busy with everything at once and checks every answer: chats, conversations, tools,
schemas, embeddings, long prompts, cancellations.

    python -m tests.bench.soak [--minutes 30] [--clients 12]

Runs the built-in model, whose answers to its test cases are known, and the embedding model of the
tests. Prints what was done, what was wrong, and how much memory daemon and workers took after a
tenth of the time and at the end; leaks show as growth beyond what `cache.memory` allows.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from typing import Any

import aiohttp
import jsonschema
import psutil

from tests.bench.responsiveness import daemon, words
from tests.conftest import DATA

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "size": {"enum": ["small", "large"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["name", "size", "count"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "store", "parameters": SCHEMA}}
# near ties may flip with the batch (see tests/integration/test_cases.py)
TOLERATED = 0.02


class Soak:
    """The clients of one run."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        lines = (DATA / "llmd-tiny-cases.jsonl").read_text(encoding="utf-8").splitlines()
        known = [json.loads(line) for line in lines]
        self._cases = [c for c in known if not c["tools"] and not c["enable_thinking"]]
        self.done: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.samples: list[str] = []
        self._vector: list[float] = []

    async def client(self, seed: int, until: float) -> None:
        """Do one thing after the other."""
        rng = random.Random(seed)
        kinds = [self.chat] * 6 + [self.tool, self.schema, self.embed, self.cancel, self.long]
        while time.monotonic() < until:
            kind = rng.choice(kinds)
            try:
                right = await kind(rng)
            except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
                right = False
                self.samples.append(f"{kind.__name__}: {error!r}")
            self.done[kind.__name__] += 1
            self.wrong[kind.__name__] += not right

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(f"{self._url}/{path}", json=body) as response:
            found: dict[str, Any] = await response.json()
            if response.status != 200:
                raise ValueError(str(found)[:200])
            return found

    async def ask(self, messages: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
        body = {"model": "llmd-tiny", "messages": messages, "temperature": 0, "max_tokens": 120}
        answer = await self.post("chat/completions", body | fields)
        message: dict[str, Any] = answer["choices"][0]["message"]
        return message

    async def chat(self, rng: random.Random) -> bool:
        case = rng.choice(self._cases)
        kwargs = {"enable_thinking": False}
        message = await self.ask(case["messages"], chat_template_kwargs=kwargs)
        if message["content"] != case["expected"]:
            self.samples.append(f"{case['expected']!r} != {message['content']!r}")
        return bool(message["content"] == case["expected"])

    async def tool(self, rng: random.Random) -> bool:
        choice = {"type": "function", "function": {"name": "store"}}
        messages = [{"role": "user", "content": f"Store item {rng.random()}."}]
        # as below: calls come after reasoning too
        kwargs = {"enable_thinking": False}
        message = await self.ask(
            messages,
            tools=[TOOL],
            tool_choice=choice,
            temperature=1.0,
            chat_template_kwargs=kwargs,
        )
        arguments = json.loads(message["tool_calls"][0]["function"]["arguments"])
        jsonschema.validate(arguments, SCHEMA)
        return True

    async def schema(self, rng: random.Random) -> bool:
        form = {"type": "json_schema", "json_schema": {"name": "item", "schema": SCHEMA}}
        messages = [{"role": "user", "content": f"Describe item {rng.random()}."}]
        # reasoning, which comes before the form, may take all tokens of an answer
        kwargs = {"enable_thinking": False}
        message = await self.ask(
            messages, response_format=form, temperature=1.0, chat_template_kwargs=kwargs
        )
        jsonschema.validate(json.loads(message["content"]), SCHEMA)
        return True

    async def embed(self, rng: random.Random) -> bool:
        texts = ["The cat sleeps.", words(rng.randint(1, 60), rng.randint(0, 999))]
        found = await self.post("embeddings", {"model": "minilm", "input": texts})
        vector = found["data"][0]["embedding"]
        self._vector = self._vector or vector
        return sum(a * b for a, b in zip(vector, self._vector, strict=True)) > 0.999

    async def cancel(self, rng: random.Random) -> bool:
        messages = [{"role": "user", "content": words(rng.randint(1, 800), rng.randint(0, 99))}]
        endless = {"ignore_eos": True, "context_overflow": "shift", "max_tokens": 100_000}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rng.uniform(0.01, 1.0)):
                await self.ask(messages, **endless)
        return True

    async def long(self, rng: random.Random) -> bool:
        messages = [{"role": "user", "content": words(rng.randint(200, 800), rng.randint(0, 5))}]
        message = await self.ask(messages, max_tokens=8)
        return isinstance(message["content"], str)


def memory() -> dict[str, int]:
    """Return MiB of the daemon's and the workers' private memory."""
    found: dict[str, int] = {}
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            command = " ".join(child.cmdline())
            name = "worker" if "runtime.worker" in command else "daemon"
            found[f"{name} {child.pid}"] = child.memory_full_info().uss >> 20
    return found


async def run(url: str, minutes: float, clients: int) -> Soak:
    until = time.monotonic() + 60 * minutes
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=300)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        soak = Soak(http, url)

        async def watch() -> None:
            await asyncio.sleep(6 * minutes)
            print("after a tenth, MiB:", memory(), flush=True)

        watching = asyncio.ensure_future(watch())
        await asyncio.gather(*(soak.client(seed, until) for seed in range(clients)))
        await watching
        print("at the end, MiB:", memory(), flush=True)
        return soak


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=12)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {"LLMD_CACHE_MEMORY": "64MiB", **os.environ, "LLMD_HOME": folder}
        with daemon(environment) as url:
            model = str(DATA / "all-minilm-l6-v2-q4_0.gguf")
            command = [sys.executable, "-m", "llmd", "import", model, "--name", "minilm"]
            subprocess.run(command, env=environment, check=True)
            soak = asyncio.run(run(url, args.minutes, args.clients))
    for sample in soak.samples[:20]:
        print("wrong:", sample)
    print("done:", dict(soak.done), "wrong:", {k: n for k, n in soak.wrong.items() if n})
    chats = soak.wrong.pop("chat", 0)
    return int(any(soak.wrong.values()) or chats > TOLERATED * soak.done["chat"])


if __name__ == "__main__":
    sys.exit(main())
