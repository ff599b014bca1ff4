"""Runs a source program and reads its lines; the process is gone when the context is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import structlog

from llmd.errors import DownloadFailed, from_wire
from llmd.models.sources.lines import TERMS, Failed, Fetched, Go, Line, Pace, Said, Terms, Told

_LONGEST_LINE = 4 * 2**20
_KEPT_ERRORS = 40
_QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_SYMLINKS_WARNING": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
}

_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


class Throttle:
    """Tells a program whether and how quickly it may go, also while it runs."""

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        """Bytes per second; 0: as quickly as it can."""
        self._pipe: asyncio.StreamWriter | None = None

    def set(self, limit: int) -> None:
        """Change the limit."""
        if limit != self.limit:
            self.limit = limit
            self._tell(Pace(limit))

    def go(self) -> None:
        """Let it fetch what it named."""
        self._tell(Go())

    def attach(self, pipe: asyncio.StreamWriter | None) -> None:
        """Speak to this program from now on; None: to nobody."""
        self._pipe = pipe

    def _tell(self, told: Told) -> None:
        if self._pipe is not None and not self._pipe.is_closing():
            self._pipe.write(msgspec.json.encode(told) + b"\n")


@asynccontextmanager
async def running(
    module: str,
    *arguments: str,
    throttle: Throttle | None = None,
    terms: Terms | None = None,
) -> AsyncIterator[AsyncGenerator[Said]]:
    """Start `python -m module arguments`; give its lines. Leaving kills it, which is the surest way
    to cancel.

    The lines raise the error that the program reports, or DownloadFailed when it dies without a
    word.
    """
    throttle = throttle or Throttle()
    agreed = msgspec.structs.replace(terms or Terms(), limit=throttle.limit)
    # -P: a folder named llmd where the daemon was started must not be imported. The pipe on
    # standard input closes with the daemon, however that ends, and the program ends with the pipe.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        env={**os.environ, **_QUIET, TERMS: msgspec.json.encode(agreed).decode()},
    )
    throttle.attach(process.stdin)
    complaints: deque[str] = deque(maxlen=_KEPT_ERRORS)
    listening = asyncio.ensure_future(_listen(process, complaints))
    lines = _lines(process, listening, complaints)
    try:
        yield lines
    finally:
        throttle.attach(None)
        await lines.aclose()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await listening


async def _lines(
    process: asyncio.subprocess.Process, listening: asyncio.Future[None], complaints: deque[str]
) -> AsyncGenerator[Said]:
    while text := await _pipe(process.stdout).readline():
        line = _decoder.decode(text)
        if isinstance(line, Failed):
            raise from_wire(line.error)
        yield line
        if isinstance(line, Fetched):
            return
    code = await process.wait()
    await listening
    structlog.get_logger("models").error(
        "the download process died", code=code, stderr="\n".join(complaints)
    )
    raise DownloadFailed(
        f"The download process ended without an answer ({_how(code)}).",
        hint="What has come is kept; run the same command again to go on from there.",
        last_words=complaints[-1] if complaints else "",
    )


async def _listen(process: asyncio.subprocess.Process, complaints: deque[str]) -> None:
    stderr = _pipe(process.stderr)
    while block := await stderr.read(65536):
        complaints.extend(block.decode("utf-8", "replace").splitlines())


def _pipe(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise TypeError("the process was started without this pipe")
    return stream


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
