"""Memory of an llmd worker, and of llama-server with the same model, sequences and context.

    python -m tests.bench.memory --llama-server PATH [--vocab VOCAB.gguf]

Both answer the same requests before they are looked at: random weights of the 0.5b shape, and a
model with sliding windows, whose weights are zeros. Printed is what is resident, and how much of it
is the process's own (not mapped from a file that others may have mapped, too).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from llmd.client.load import Target, Work, run
from tests.bench.responsiveness import daemon
from tests.bench.serving import ENVIRONMENT, arguments, free_port, wait_for
from tests.fakes.random_model import write_random_model
from tests.fakes.sparse_models import write_sparse_model

SEQUENCES = 8
WORK = Work(requests=16, concurrency=8, prompt=64, answer=16)
MOST = 80
"""MiB that a worker may take more."""


@dataclass(frozen=True)
class Case:
    """One model, and the tokens of its context, which all sequences share."""

    name: str
    context: int


CASES = (Case("0.5b", 8192), Case("windows", 32768))


@contextlib.contextmanager
def _peer(binary: str, model: Path, case: Case, threads: int) -> Iterator[tuple[str, int]]:
    """Run llama-server; yield its base URL and process id."""
    port = free_port()
    command = [binary, "-m", str(model), "-np", str(SEQUENCES), "--kv-unified"]
    command += ["--port", str(port), "-c", str(case.context), "-t", str(threads)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    try:
        url = f"http://127.0.0.1:{port}/v1"
        wait_for(f"{url}/models")
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def _environment(home: Path, case: Case, threads: int) -> dict[str, str]:
    return {
        **os.environ,
        **ENVIRONMENT,
        "LLMD_HOME": str(home),
        "LLMD_ENGINE_PARALLEL": str(SEQUENCES),
        "LLMD_ENGINE_KV_TOKENS": str(case.context),
        "LLMD_ENGINE_CONTEXT_LENGTH": str(case.context),
        "LLMD_ENGINE_THREADS": str(threads),
    }


def _worker() -> int:
    """Return the process id of the one worker below this process."""
    (found,) = (
        child.pid
        for child in psutil.Process().children(recursive=True)
        if "runtime.worker" in " ".join(child.cmdline())
    )
    return found


def _report(name: str, pid: int) -> int:
    found = psutil.Process(pid).memory_full_info()
    print(f"  {name:13} {found.rss >> 20:6} MiB resident  {found.uss >> 20:6} MiB its own")
    return int(found.rss >> 20)


def _measure(args: argparse.Namespace, case: Case, folder: Path) -> bool:
    """Print what both take; return whether llmd's is within the limit."""
    model = folder / "m.gguf"
    if case.name == "windows":
        write_sparse_model(model, "swa", blocks=24)
    else:
        write_random_model(model, case.name, vocab=args.vocab)
    environment = _environment(folder, case, args.threads)
    with (
        _peer(args.llama_server, model, case, args.threads) as (peer, peer_pid),
        daemon(environment) as url,
    ):
        for command in (["import", str(model), "--name", "m"], ["load", "m"]):
            line = [sys.executable, "-m", "llmd", *command]
            subprocess.run(line, env=environment, check=True, stdout=subprocess.DEVNULL)
        for base in (peer, url):
            outcome = asyncio.run(run(Target(base, "m"), WORK, seed=1))
            if outcome.errors:
                raise SystemExit(f"{base}: {outcome.errors[0]}")
        print(f"\n{case.name}, {case.context} tokens for {SEQUENCES} sequences")
        more = -_report("llama-server", peer_pid) + _report("llmd's worker", _worker())
    print(f"  llmd's worker has {more} MiB more resident (aim: {MOST} at most)")
    return more <= MOST


def main() -> int:
    args = arguments(__doc__).parse_args()
    met = True
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            met &= _measure(args, case, Path(folder))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
