"""What accounts, limits and metrics cost: requests per second of `/v1` with all of them, and with
none.

    python -m tests.bench.overhead [--rounds 40] [--seconds 0.5] [--connections 8]

Two daemons serve the built-in model: one demands keys, has every kind of limit (none of which is
ever reached) and counts; in the other these parts are taken out. They are asked in turn, so that a
noisy machine hits both; prints the medians, the median of the ratios of neighbouring rounds, and
the processor time of the daemon for a request, which a noisy machine disturbs least.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

AMPLE = "1000000000"
LIMITS = {
    f"LLMD_LIMITS_{who}_{what}": AMPLE
    for who in ("KEY", "USER", "ADDRESS")
    for what in ("REQUESTS_PER_MINUTE", "TOKENS_PER_MINUTE", "TOKENS_PER_DAY", "CONCURRENT")
}
LIKELY = 0.95
"""Share of the requests per second that must be left."""


@dataclass(frozen=True)
class Case:
    """What is asked."""

    name: str
    method: str
    path: str
    body: object = None


@dataclass(frozen=True)
class Served:
    """A daemon under test."""

    address: str
    process: psutil.Process

    def spent(self) -> float:
        """Seconds of processor time so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def asking(tokens: int, *, stream: bool) -> object:
    return {
        "model": "llmd-tiny",
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": tokens,
        "temperature": 0,
        "ignore_eos": True,
        "stream": stream,
    }


CASES = (
    Case("chat, 8 tokens", "POST", "/v1/chat/completions", asking(8, stream=False)),
    Case("chat, 32 tokens, streamed", "POST", "/v1/chat/completions", asking(32, stream=True)),
    Case("models (no model runs)", "GET", "/v1/models"),
)


def bare() -> int:
    """Run a daemon without what this measures."""
    from contextlib import nullcontext

    from aiohttp import web
    from prometheus_client import Counter, Gauge

    import llmd.daemon
    from llmd.protocol.callers import Caller
    from llmd.server import application
    from llmd.server.http.connections import Watch
    from llmd.server.http.keys import CALLER
    from llmd.server.http.middleware import access_log
    from llmd.server.http.route import Route
    from llmd.services.limits import Limits
    from llmd.telemetry.histograms import Series
    from llmd.telemetry.journal import Journal

    caller = Caller(client="address:127.0.0.1", address="127.0.0.1")

    def admitted(route: Route, _dialect: str) -> Any:
        async def admit(request: web.Request) -> web.StreamResponse:
            request[CALLER] = caller
            return await route.handler(request)

        return admit

    async def nothing(*_: object) -> None:
        """Add no headers."""

    journal = Journal()
    for kind, name, instead in (
        (application, "admitted", admitted),
        (application, "annotate", nothing),
        (access_log, "_count", lambda *_: None),
        (access_log.journal, "keeping", lambda: nullcontext(journal)),
        (access_log.journal, "note", lambda *_: None),
        (Limits, "spend", lambda *_: None),
        (Watch, "protocol", lambda _, inner: inner()),
        (Series, "observe", lambda *_: None),
        (Counter, "inc", lambda *_: None),
        (Gauge, "inc", lambda *_: None),
        (Gauge, "dec", lambda *_: None),
    ):
        assert hasattr(kind, name), name
        setattr(kind, name, instead)
    return llmd.daemon.main()


@contextlib.contextmanager
def daemon(home: Path, command: list[str], **settings: str) -> Iterator[Served]:
    """Run a daemon."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LLMD_")},
        "LLMD_HOME": str(home),
        "LLMD_SOCKET": str(home / "s"),
        "LLMD_PORT": "0",
        "LLMD_ENGINE_THREADS": "1",
        "LLMD_SPECULATION_MODE": "off",
        **settings,
    }
    process = subprocess.Popen([sys.executable, *command], env=environment)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                address = owner(home, "GET", "/control/status")["address"]
                break
            if process.poll() is not None:
                raise SystemExit("The daemon did not start.")
            time.sleep(0.05)
        yield Served(str(address), psutil.Process(process.pid))
    finally:
        process.terminate()
        process.terminate()
        process.wait()


def owner(home: Path, method: str, path: str, body: object = None) -> Any:
    """Ask over the Unix socket."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect(str(home / "s"))
    with contextlib.closing(connection):
        connection.request(method, path, None if body is None else json.dumps(body))
        return json.loads(connection.getresponse().read())


def request(case: Case, key: str) -> bytes:
    body = b"" if case.body is None else json.dumps(case.body).encode()
    head = (
        f"{case.method} {case.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answer(reader: asyncio.StreamReader) -> None:
    """Read one answer, whatever way its length is told."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200"), head
    if b"transfer-encoding: chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
        return
    await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))


async def rate(address: str, data: bytes, connections: int, seconds: float) -> tuple[float, int]:
    """Return the requests per second of so many connections, each asking again and again, and how
    many requests that were.
    """
    place = urlsplit(address)
    deadline = time.perf_counter() + seconds

    async def client() -> int:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        count = 0
        while time.perf_counter() < deadline:
            writer.write(data)
            await answer(reader)
            count += 1
        writer.close()
        return count

    started = time.perf_counter()
    counts = await asyncio.gather(*(client() for _ in range(connections)))
    return sum(counts) / (time.perf_counter() - started), sum(counts)


def measure(case: Case, daemons: list[Served], key: str, given: argparse.Namespace) -> bool:
    """Print what a case costs; whether that is little enough."""
    data = request(case, key)
    rates: list[list[float]] = [[], []]
    costs: list[list[float]] = [[], []]
    for number in range(-1, given.rounds):  # the first round warms up
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            seconds = 1.0 if number < 0 else given.seconds
            served = daemons[which]
            before = served.spent()
            found, count = asyncio.run(rate(served.address, data, given.connections, seconds))
            if number >= 0:
                rates[which].append(found)
                costs[which].append((served.spent() - before) / count * 1e6)
    ratios = [full / plain for full, plain in zip(*rates, strict=True)]
    middle = statistics.median(ratios)
    full, plain = map(statistics.median, rates)
    print(
        f"{case.name:28} with {full:8.1f}/s  without {plain:8.1f}/s  ratio {middle:.3f} "
        f"({min(ratios):.3f} to {max(ratios):.3f})  processor "
        f"{statistics.median(costs[0]):.0f} against {statistics.median(costs[1]):.0f} us",
        flush=True,
    )
    return middle >= LIKELY


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--seconds", type=float, default=0.5)
    options.add_argument("--connections", type=int, default=8)
    options.add_argument("--bare-daemon", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.bare_daemon:
        return bare()
    with tempfile.TemporaryDirectory() as folder:
        full, plain = Path(folder, "full"), Path(folder, "plain")
        for home in (full, plain):
            home.mkdir()
        without = ["-m", "tests.bench.overhead", "--bare-daemon"]
        with (
            daemon(full, ["-m", "llmd", "serve"], LLMD_SECURITY_MODE="keys", **LIMITS) as first,
            daemon(plain, without) as second,
        ):
            key = owner(full, "POST", "/control/keys", {"name": "bench"})["secret"]
            fine = [measure(case, [first, second], key, given) for case in CASES]
    return 0 if all(fine[:2]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
