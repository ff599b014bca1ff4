"""How quickly a model is fetched, its digest computed on the way, against curl, which computes none.

    python -m tests.bench.pull [--size 2000000000] [--rounds 5] [--folder DIR]

Both fetch the same file from a server on loopback that hands it to the kernel (sendfile), in turns,
onto the same disk; llmd through the whole of `Downloads.pull`: starting the source program, looking
at the file, fetching, hashing, fsync, registering.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

from llmd.models.download import Downloads
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest
from tests.fakes.gguf import LLAMA, gguf

_BLOCK = 2**24


def write_model(path: Path, size: int) -> None:
    """Write a GGUF that passes for a model and holds noise."""
    head = gguf(LLAMA)
    with path.open("wb") as file:
        file.write(head)
        left = size - len(head)
        while left > 0:
            file.write(os.urandom(min(left, _BLOCK)))
            left -= _BLOCK


def serve(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the server in a process of its own; return it and its address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.fileserver", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    return server, server.stdout.readline().strip()


def with_curl(url: str, folder: Path) -> float:
    """Fetch with curl; return seconds."""
    begun = time.monotonic()
    subprocess.run(["curl", "-sSf", "-o", str(folder / "curl.gguf"), url], check=True)
    took = time.monotonic() - begun
    (folder / "curl.gguf").unlink()
    return took


def with_llmd(url: str, folder: Path) -> float:
    """Fetch with llmd; return seconds."""
    builtin = Path(str(files("llmd") / "assets" / "llmd-tiny-q8_0.gguf"))
    downloads = Downloads(ModelStore(folder / "models", builtin))

    async def pull() -> float:
        begun = time.monotonic()
        async for event in downloads.pull(url):
            if isinstance(event, ModelManifest):
                return time.monotonic() - begun
        raise AssertionError("no manifest came")

    took = asyncio.run(pull())
    shutil.rmtree(folder / "models")
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=2_000_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        (folder / "served").mkdir()
        write_model(folder / "served" / "model.gguf", asked.size)
        os.sync()
        server, address = serve(folder / "served")
        speeds: dict[str, list[float]] = {"curl": [], "llmd": []}
        try:
            for _ in range(asked.rounds):
                for tool, fetch in (("curl", with_curl), ("llmd", with_llmd)):
                    speeds[tool].append(asked.size / fetch(f"{address}/model.gguf", folder) / 1e6)
                    os.sync()
                print({tool: round(values[-1]) for tool, values in speeds.items()}, "MB/s")
        finally:
            server.terminate()
            server.wait()
    medians = {tool: statistics.median(values) for tool, values in speeds.items()}
    print(f"medians: curl {medians['curl']:.0f} MB/s, llmd {medians['llmd']:.0f} MB/s, ", end="")
    print(f"ratio {medians['llmd'] / medians['curl']:.2f}")


if __name__ == "__main__":
    main()
