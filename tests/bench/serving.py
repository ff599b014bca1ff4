"""llmd's `/v1` against llama-server and llama-cpp-python's packaged server, all in one run.

    python -m tests.bench.serving --llama-server PATH [--vocab VOCAB.gguf] [--rounds 5]

Makes random-weight models (0.5b: what a real small model costs; tiny: server overhead alone),
starts the servers with the same threads, sequences and context, and runs the same work on each in
turn, so that a noisy machine hits all of them. Prints the medians and their ratios. `python -m
llama_cpp.server` takes part when its extras are installed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.load import Outcome, Work, run
from tests.fakes.random_model import write_random_model

CONTEXT = 8192
SERIAL = {"llama_cpp.server"}
"""Peers that take minutes for a round; they run one."""


@dataclass(frozen=True)
class Case:
    """One measurement and what llmd should reach of each peer's rate."""

    name: str
    shape: str
    sequences: int
    work: Work
    targets: dict[str, float]


CASES = (
    Case(
        "0.5b, 16 requests, 8 at a time",
        "0.5b",
        8,
        Work(16, 8, 64, 32),
        {"llama-server": 0.95, "llama_cpp.server": 2.5},
    ),
    Case("0.5b, one stream", "0.5b", 8, Work(1, 1, 64, 128), {"llama-server": 0.97}),
    Case("tiny, 16 streams", "tiny", 16, Work(64, 16, 64, 64), {"llama-server": 1.6}),
)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _commands(
    args: argparse.Namespace, case: Case, model: Path, ports: dict[str, int]
) -> dict[str, list[str]]:
    threads = str(args.threads)
    serve = [sys.executable, "-m", "llmd", "serve", "--port", str(ports["llmd"])]
    peer = [
        args.llama_server,
        "-m",
        str(model),
        "--port",
        str(ports["llama-server"]),
        "-np",
        str(case.sequences),
    ]
    found = {"llmd": serve, "llama-server": [*peer, "-c", str(CONTEXT), "-t", threads]}
    if "llama_cpp.server" in case.targets and importlib.util.find_spec("sse_starlette"):
        port = str(ports["llama_cpp.server"])
        found["llama_cpp.server"] = [
            sys.executable,
            "-m",
            "llama_cpp.server",
            "--model",
            str(model),
            "--port",
            port,
        ]
        found["llama_cpp.server"] += ["--n_ctx", str(CONTEXT), "--n_threads", threads]
    return found


@contextlib.contextmanager
def _servers(
    args: argparse.Namespace, case: Case, model: Path, home: Path
) -> Iterator[dict[str, str]]:
    """Start all servers and yield their base URLs."""
    ports = {name: _free_port() for name in ("llmd", "llama-server", "llama_cpp.server")}
    environment = {
        **os.environ,
        "LLMD_HOME": str(home),
        "LLMD_ENGINE_PARALLEL": str(case.sequences),
        "LLMD_ENGINE_KV_TOKENS": str(CONTEXT),
        "LLMD_ENGINE_CONTEXT_LENGTH": str(CONTEXT),
        "LLMD_ENGINE_THREADS": str(args.threads),
    }
    commands = _commands(args, case, model, ports)
    with contextlib.ExitStack() as stack:
        for name, command in commands.items():
            log = stack.enter_context((home / f"{name}.log").open("w"))
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        urls = {name: f"http://127.0.0.1:{ports[name]}/v1" for name in commands}
        for url in urls.values():
            _wait(f"{url}/models")
        subprocess.run(
            [sys.executable, "-m", "llmd", "import", str(model), "--name", "m"],
            env=environment,
            check=False,
        )
        yield urls


def _wait(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise SystemExit(f"{url} does not answer")


def _measure(case: Case, urls: dict[str, str], rounds: int) -> dict[str, list[Outcome]]:
    outcomes: dict[str, list[Outcome]] = {name: [] for name in urls}
    for name, url in urls.items():
        asyncio.run(run(url, "m", Work(2, 2, 8, 4), seed=999))
        print(f"  {name} is warm", file=sys.stderr)
    for seed in range(rounds):
        for name, url in urls.items():
            if name not in SERIAL or seed == 0:
                outcomes[name].append(asyncio.run(run(url, "m", case.work, seed)))
    return outcomes


def _report(case: Case, outcomes: dict[str, list[Outcome]]) -> bool:
    print(f"\n{case.name}")
    rates = {name: statistics.median(o.rate for o in rounds) for name, rounds in outcomes.items()}
    for name, rounds in outcomes.items():
        first = statistics.median(o.first_token for o in rounds)
        errors, short = sum(len(o.errors) for o in rounds), sum(o.short for o in rounds)
        note = f"  first error: {next(e for o in rounds for e in o.errors)}" if errors else ""
        print(
            f"  {name:17} {rates[name]:8.1f} tokens/s  first token {first:6.3f} s  {errors} errors, {short} short{note}"
        )
    met = not any(o.errors or o.short for o in outcomes["llmd"])
    for peer, target in case.targets.items():
        if peer in rates:
            ratio = rates["llmd"] / rates[peer]
            met &= ratio >= target
            print(f"  llmd is {ratio:.2f} times {peer} (aim: {target})")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llama-server", required=True, help="path of the binary")
    parser.add_argument(
        "--vocab", type=Path, help="a vocabulary-only GGUF; a made-up vocabulary otherwise"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    met = True
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            model = write_random_model(Path(folder) / "m.gguf", case.shape, vocab=args.vocab)
            with _servers(args, case, model, Path(folder)) as urls:
                met &= _report(case, _measure(case, urls, args.rounds))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
