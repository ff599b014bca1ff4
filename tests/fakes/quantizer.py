"""A quantising program in name only: writes a GGUF of the type it is asked for, without weights that mean anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from llmd.errors import LlmdError
from llmd.models.gguf.inspection import inspect
from llmd.models.quantization import find
from llmd.protocol.quantization import (
    Advanced,
    QuantizeOrder,
    Said,
    Sized,
    Survey,
    Surveyed,
    Work,
    Written,
)
from tests.fakes.gguf import gguf


class FakeQuantizer:
    """Stands in for `llmd.runtime.quantizer.running`."""

    def __init__(self) -> None:
        self.orders: list[Work] = []
        self.hold: asyncio.Event | None = None
        """Writing waits for it, half-way."""
        self.error: LlmdError | None = None
        self.left = 0
        """How often the process was ended before it had answered."""
        self.at_once = 0
        self.most_at_once = 0

    @asynccontextmanager
    async def __call__(self, work: Work) -> AsyncIterator[AsyncGenerator[Said]]:
        self.orders.append(work)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        lines = self._survey(work) if isinstance(work, Survey) else self._write(work)
        try:
            yield lines
        except BaseException:
            self.left += 1
            raise
        finally:
            self.at_once -= 1
            await lines.aclose()

    async def _survey(self, survey: Survey) -> AsyncGenerator[Said]:
        for name in survey.types:
            yield Sized(name, int(find(name).bits * 1000), find(name).bits)
        yield Surveyed()

    async def _write(self, order: QuantizeOrder) -> AsyncGenerator[Said]:
        kind = find(order.recipe.type)
        yield Sized(kind.name, 512, kind.bits)
        yield Advanced(1, 2, "token_embd.weight", 0, 512)
        if self.error:
            raise self.error
        path = Path(order.folder) / f"{order.stem}.gguf"
        path.write_bytes(b"GGUF, half of it")
        if self.hold:
            await self.hold.wait()
        # as many weights as the source has, in blocks of 64
        tensors = inspect(Path(order.source)).parameters // 64
        values = {"general.architecture": "llama", "general.file_type": kind.file_type}
        path.write_bytes(gguf(values, tensors))
        yield Advanced(2, 2, "output.weight", 256, 512)
        yield Written([str(path)], path.stat().st_size, 0.1)
