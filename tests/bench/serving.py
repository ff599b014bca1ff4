"""llmd's `/v1` against llama-server and llama-cpp-python's example server, all in one run.

    python -m tests.bench.serving --llama-server PATH [--example-server PATH/server.py]
        [--packaged-server] [--bare] [--instances N] [--vocab VOCAB.gguf] [--rounds 5]
        [--only WORDS]

Makes random-weight models (0.5b: what a real small model costs; tiny: server overhead alone),
starts the servers with the same threads, sequences and context, and runs the same work on each in
turn, so that a noisy machine hits all of them. Prints the medians and their ratios.

With `--bare` a loop over llama.cpp without any server does the same work in turn (bare.py), which
shows how much there is to gain. With `--instances` there is a second llmd, whose model is loaded by
so many processes that have the threads, sequences and context of one together.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
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

from llmd.client.load import Outcome, Target, Work, run
from tests.bench.bare import BareLoop
from tests.fakes.random_model import write_random_model

CONTEXT = 8192
INSTANCES = "llmd, instances"
BARE = "bare loop"
SERIAL = {"llama_cpp.server"}
"""Peers that take minutes for a round; they run one."""
ENVIRONMENT = {
    # the peers draft nothing, and random models loop, which drafting would make too much of
    "LLMD_SPECULATION_MODE": "off",
    # prefixes are saved while llmd is idle, which is when its peers are measured
    "LLMD_CACHE_DISK": "0",
}


@dataclass(frozen=True)
class Case:
    """One measurement and how llmd's rate should compare with each peer's."""

    name: str
    shape: str
    sequences: int
    work: Work
    targets: dict[str, float]


CASES = (
    Case(
        "0.5b, one stream",
        "0.5b",
        8,
        Work(requests=1, concurrency=1, prompt=64, answer=128),
        {"llama-server": 1.0, "example": 0},
    ),
    Case(
        "0.5b, 16 requests, 8 at a time",
        "0.5b",
        8,
        Work(requests=16, concurrency=8, prompt=64, answer=32),
        {"llama-server": 1.05, "example": 1.05, "llama_cpp.server": 2.5},
    ),
    Case(
        # the same answers in at most 0.37 and 0.95 of the time
        "0.5b, 512 shared prompt tokens",
        "0.5b",
        8,
        Work(requests=16, concurrency=8, prompt=32, answer=16, shared=512),
        {"llama-server": 1 / 0.37, "example": 1 / 0.95},
    ),
    Case(
        "tiny, 16 streams",
        "tiny",
        16,
        Work(requests=64, concurrency=16, prompt=64, answer=64),
        {"llama-server": 2.5, "example": 0},
    ),
)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _commands(
    args: argparse.Namespace, case: Case, model: Path, ports: dict[str, int]
) -> dict[str, list[str]]:
    """Return how to start llmd and those peers that were asked for and that the case names."""
    threads, python = str(args.threads), sys.executable
    peer = [args.llama_server, "-m", str(model), "-np", str(case.sequences)]
    peer += ["--port", str(ports["llama-server"]), "-c", str(CONTEXT), "-t", threads]
    own = ("llmd", INSTANCES) if args.instances > 1 else ("llmd",)
    found = {name: [python, "-m", "llmd", "serve", "--port", str(ports[name])] for name in own}
    found["llama-server"] = peer
    if args.example_server and "example" in case.targets:
        config = model.with_name("example.json")
        config.write_text(json.dumps(_example(case, model, ports["example"], args.threads)))
        found["example"] = [python, args.example_server, "-C", str(config)]
    if args.packaged_server and "llama_cpp.server" in case.targets:
        packaged = [python, "-m", "llama_cpp.server", "--model", str(model)]
        packaged += ["--port", str(ports["llama_cpp.server"])]
        found["llama_cpp.server"] = [*packaged, "--n_ctx", str(CONTEXT), "--n_threads", threads]
    return found


def _example(case: Case, model: Path, port: int, threads: int) -> dict[str, object]:
    settings = {
        "alias": "m",
        "path": str(model),
        "n_ctx": CONTEXT,
        "max_output_tokens": 4096,
        "n_seq_max": 4 * case.sequences,
        "n_batch": 512,
        "n_ubatch": 512,
        "threads": threads,
        "threads_batch": threads,
        "kv_unified": True,
    }
    return {"server": {"host": "127.0.0.1", "port": port}, "model": settings}


@contextlib.contextmanager
def _servers(
    args: argparse.Namespace, case: Case, model: Path, home: Path
) -> Iterator[dict[str, str]]:
    """Start all servers and yield their base URLs."""
    names = ("llmd", INSTANCES, "llama-server", "example", "llama_cpp.server")
    ports = {name: free_port() for name in names}
    environments = {
        "llmd": _environment(args, case, home / "one", 1),
        INSTANCES: _environment(args, case, home / "several", args.instances),
    }
    commands = _commands(args, case, model, ports)
    with contextlib.ExitStack() as stack:
        for name, command in commands.items():
            log = stack.enter_context((home / f"{name}.log").open("w"))
            process = subprocess.Popen(command, env=environments.get(name), stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        urls = {name: f"http://127.0.0.1:{ports[name]}/v1" for name in commands}
        for url in urls.values():
            wait_for(f"{url}/models")
        llmd = [sys.executable, "-m", "llmd"]
        for name in urls.keys() & environments.keys():
            count = args.instances if name == INSTANCES else 1
            for command in (
                ["import", str(model), "--name", "m"],
                ["load", "m", "--instances", str(count)],
            ):
                subprocess.run([*llmd, *command], env=environments[name], check=True)
        yield urls


def _environment(
    args: argparse.Namespace, case: Case, home: Path, instances: int
) -> dict[str, str]:
    """Return the settings of an llmd whose processes have what a peer has, all together."""
    return {
        **os.environ,
        **ENVIRONMENT,
        "LLMD_HOME": str(home),
        "LLMD_ENGINE_PARALLEL": str(case.sequences // instances),
        "LLMD_ENGINE_KV_TOKENS": str(CONTEXT // instances),
        "LLMD_ENGINE_CONTEXT_LENGTH": str(CONTEXT // instances),
        "LLMD_ENGINE_THREADS": str(args.threads),
    }


@contextlib.contextmanager
def _bare(args: argparse.Namespace, case: Case, model: Path) -> Iterator[BareLoop | None]:
    """Yield a loop without a server, where one is asked for and all prompts fit in one call."""
    if not args.bare or case.work.shared:
        yield None
        return
    loop = BareLoop(model, sequences=case.sequences, context=CONTEXT, threads=args.threads)
    try:
        yield loop
    finally:
        loop.close()


def wait_for(url: str) -> None:
    """Return once somebody answers there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise SystemExit(f"{url} does not answer")


def _measure(
    case: Case, urls: dict[str, str], rounds: int, bare: BareLoop | None
) -> dict[str, list[Outcome]]:
    outcomes: dict[str, list[Outcome]] = {name: [] for name in urls}
    for name, url in urls.items():
        warm = Work(requests=2, concurrency=2, prompt=8, answer=4)
        asyncio.run(run(Target(url, "m"), warm, seed=999))
        print(f"  {name} is warm", file=sys.stderr)
    for seed in range(rounds):
        for name, url in urls.items():
            if name not in SERIAL or seed == 0:
                outcomes[name].append(asyncio.run(run(Target(url, "m"), case.work, seed)))
        if bare:
            outcomes.setdefault(BARE, []).append(bare.run(case.work, seed))
    return outcomes


def _report(case: Case, outcomes: dict[str, list[Outcome]]) -> bool:
    print(f"\n{case.name}")
    rates = {name: statistics.median(o.rate for o in rounds) for name, rounds in outcomes.items()}
    for name, rounds in outcomes.items():
        first = statistics.median(o.first_token for o in rounds)
        errors, short = sum(len(o.errors) for o in rounds), sum(o.short for o in rounds)
        note = f"  first error: {next(e for o in rounds for e in o.errors)}" if errors else ""
        print(
            f"  {name:17} {rates[name]:8.1f} tokens/s  first token {first:6.3f} s  "
            f"{errors} errors, {short} short{note}"
        )
    met = not any(o.errors or o.short for o in outcomes["llmd"])
    for peer, target in case.targets.items():
        for own in (name for name in ("llmd", INSTANCES) if {name, peer} <= rates.keys()):
            ratio = rates[own] / rates[peer]
            met &= ratio >= target or own == INSTANCES  # that one is for information
            aim = f" (aim: {target:.2f})" if target else ""
            print(f"  {own} is {ratio:.2f} times {peer}{aim}")
        if {BARE, peer} <= rates.keys():
            print(f"  {BARE} is {rates[BARE] / rates[peer]:.2f} times {peer}")
    return met


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return what benchmarks beside llama-server are told on the command line."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llama-server", required=True, help="path of the binary")
    parser.add_argument(
        "--vocab", type=Path, help="a vocabulary-only GGUF; a made-up vocabulary otherwise"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--example-server", help="llama-cpp-python's examples/server/server.py")
    parser.add_argument("--packaged-server", action="store_true", help="python -m llama_cpp.server")
    parser.add_argument("--bare", action="store_true", help="llama.cpp without a server, too")
    parser.add_argument("--instances", type=int, default=1, help="processes of a second llmd")
    parser.add_argument("--only", default="", help="cases with these words in their name")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    met = True
    for case in (case for case in CASES if args.only in case.name):
        with tempfile.TemporaryDirectory() as folder:
            model = write_random_model(Path(folder) / "m.gguf", case.shape, vocab=args.vocab)
            with (
                _servers(args, case, model, Path(folder)) as urls,
                _bare(args, case, model) as bare,
            ):
                met &= _report(case, _measure(case, urls, args.rounds, bare))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
