"""Has constraints tried in a process of their own, one at a time, before a worker compiles them.

Some schemas and grammars crash or stall the compiler; see worker/rehearse.py. Verdicts are kept, so
that a schema costs its rehearsal once. The process starts when it is needed and ends when nothing
came for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sys

import msgspec

from llmd.errors import ConstraintRefused, LlmdError, from_wire
from llmd.protocol.constraints import Json, Proposal

_KEPT = 1024
_IDLE = 60.0
_WALL_SECONDS = 30.0
_LONGEST_LINE = 2**22

Wire = dict[str, object] | None


class Rehearsal:
    """Judges constraints; keeps at most one process."""

    def __init__(self, idle: float = _IDLE) -> None:
        """End the process after `idle` seconds without work."""
        self._idle = idle
        self._verdicts: dict[bytes, Wire] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._bedtime: asyncio.TimerHandle | None = None

    async def check(self, proposal: Proposal) -> None:
        """Return when the constraint can be enforced; raise ConstraintRefused when it cannot."""
        line = _encoded(proposal)
        key = hashlib.sha256(line).digest()
        if key not in self._verdicts:
            async with self._turn:
                if key not in self._verdicts:  # others may have waited with the same one
                    await self._judge(key, line)
        if wire := self._verdicts[key]:
            raise from_wire(wire)

    async def close(self) -> None:
        """End the process."""
        if self._bedtime:
            self._bedtime.cancel()
        if process := self._process:
            self._process = None
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _judge(self, key: bytes, line: bytes) -> None:
        while len(self._verdicts) >= _KEPT:
            self._verdicts.pop(next(iter(self._verdicts)))
        self._verdicts[key] = await self._ask(line)

    async def _ask(self, line: bytes) -> Wire:
        if self._bedtime:
            self._bedtime.cancel()
        answered = False
        try:
            answer = await asyncio.wait_for(self._converse(line), _WALL_SECONDS)
            answered = True
            wire: Wire = msgspec.json.decode(answer, type=Wire)
            return wire
        except (TimeoutError, ConnectionError, EOFError):
            return _too_much()
        finally:
            # an answer that nobody waits for must not be taken for that of the next question
            if not answered:
                await self.close()
            else:
                loop = asyncio.get_running_loop()
                self._bedtime = loop.call_later(self._idle, self._retire)

    async def _converse(self, line: bytes) -> bytes:
        if self._process and self._process.returncode is not None:
            self._process = None  # something ended it between two questions
        process = self._process = self._process or await _start()
        if not process.stdin or not process.stdout:  # pragma: no cover  both are pipes
            raise EOFError
        process.stdin.write(line)
        await process.stdin.drain()
        answer = await process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise EOFError
        return answer

    def _retire(self) -> None:
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._process = None


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # a folder named llmd in the working directory is not ours
        "-m",
        "llmd.runtime.worker.rehearse",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LONGEST_LINE,
    )


def _encoded(proposal: Proposal) -> bytes:
    try:
        msgspec.msgpack.encode(proposal)  # what the frames to workers can carry
        return msgspec.json.encode(proposal) + b"\n"
    except OverflowError as error:
        raise ConstraintRefused(
            "A whole number in the schema has more than 64 bits.",
            param="response_format" if isinstance(proposal.constraint, Json) else None,
        ) from error


def _too_much() -> Wire:
    error: LlmdError = ConstraintRefused(
        "The constraint is too complex: compiling it took too long or too much memory.",
        hint="Simplify the schema or grammar, or split it.",
    )
    return error.to_wire()
