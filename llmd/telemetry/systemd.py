"""sd_notify and the systemd watchdog (see sd_notify(3)); silently nothing elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self


class Systemd:
    """Tells the service manager how the daemon is."""

    def __init__(self, address: str, watchdog: float | None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog = watchdog

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read NOTIFY_SOCKET and WATCHDOG_USEC (microseconds), the latter only if meant for this
        process.
        """
        env = os.environ if environ is None else environ
        meant = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = env.get("WATCHDOG_USEC", "") if meant else ""
        return cls(
            env.get("NOTIFY_SOCKET", ""),
            int(usec) / 1e6 if usec.isdecimal() and int(usec) else None,
        )

    def notify(self, message: str) -> None:
        """Send one message, such as `READY=1`."""
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier,
        ):
            notifier.connect(self._address)
            notifier.send(message.encode())

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Be ready inside; ping the watchdog from the event loop, so that a stuck one shows."""
        self.notify("READY=1")
        pinger = asyncio.ensure_future(self._ping()) if self._watchdog else None
        try:
            yield
        finally:
            if pinger:
                pinger.cancel()

    async def _ping(self) -> None:
        while self._watchdog:
            self.notify("WATCHDOG=1")
            await asyncio.sleep(self._watchdog / 2)
