"""Runs the quantising program and reads its lines; the process is gone when the context is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec
import structlog

from llmd.errors import QuantizeFailed, from_wire
from llmd.protocol.quantization import Refused, Said, Surveyed, Work, Written

Run = Callable[[Work], AbstractAsyncContextManager[AsyncGenerator[Said]]]
"""What does the work; `running` is the real one."""

_PROGRAM = "llmd.runtime.worker.quantize"
_LONGEST_LINE = 2**20
_KEPT_ERRORS = 40
# it computes on the CPU alone, and opening a GPU would take memory there from the models
_NO_GPU = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "HIP_VISIBLE_DEVICES": "-1",
    "GGML_VK_VISIBLE_DEVICES": "",
}
_KILLED = 9

_decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


@asynccontextmanager
async def running(work: Work) -> AsyncIterator[AsyncGenerator[Said]]:
    """Start the program with an order; give its lines, the last of them Written or Surveyed.

    Leaving kills it, which is the only way to stop llama.cpp's quantiser. The lines raise the error
    that the program reports, or QuantizeFailed when it dies without a word.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", _PROGRAM),  # -P: the working directory has no module of ours
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        env={**os.environ, **_NO_GPU},
    )
    complaints: deque[str] = deque(maxlen=_KEPT_ERRORS)
    listening = asyncio.ensure_future(_listen(process, complaints))
    lines = _lines(process, work, listening, complaints)
    try:
        yield lines
    finally:
        await lines.aclose()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await listening


async def _lines(
    process: asyncio.subprocess.Process,
    work: Work,
    listening: asyncio.Future[None],
    complaints: deque[str],
) -> AsyncGenerator[Said]:
    # the pipe stays open: it closes with the daemon, however that ends, and the program ends then
    if process.stdin is None or process.stdout is None:  # pragma: no cover  both are pipes
        raise TypeError("the process was started without pipes")
    process.stdin.write(msgspec.json.encode(work) + b"\n")
    while text := await process.stdout.readline():
        said = _decoder.decode(text)
        if isinstance(said, Refused):
            raise from_wire(said.error)
        yield said
        if isinstance(said, Written | Surveyed):
            return
    code = await process.wait()
    await listening
    structlog.get_logger("models").error(
        "the quantising process died", code=code, stderr="\n".join(complaints)
    )
    raise QuantizeFailed(
        f"The quantising process ended without an answer ({_how(code)}).",
        hint="It may have run out of memory."
        if code == -_KILLED
        else "`llmd logs` may have the reason.",
        last_words=complaints[-1] if complaints else "",
    )


async def _listen(process: asyncio.subprocess.Process, complaints: deque[str]) -> None:
    while process.stderr and (block := await process.stderr.read(65536)):
        complaints.extend(block.decode("utf-8", "replace").splitlines())


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
