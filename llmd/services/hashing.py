"""Password hashes without stopping the event loop, two at a time: each takes 64 MiB."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from llmd.errors import RateLimited

if TYPE_CHECKING:
    from llmd.security.passwords import Passwords

T = TypeVar("T")

_AT_ONCE = 2
_WAITING = 32


class Hashing:
    """Makes and compares hashes in threads."""

    def __init__(self, passwords: Callable[[], Passwords] | None = None) -> None:
        """`passwords` makes what does the work, in a thread, when it is first needed."""
        self._make = passwords or _usual
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return a hash; raise RateLimited when too many wait."""
        return await self._run(lambda: self._passwords.hash(password))

    async def verify(self, stored: str | None, password: str) -> tuple[bool, str | None]:
        """Return whether the password is the one, and a new hash where the stored one was made as
        it is no longer done; raise RateLimited when too many wait.
        """
        return await self._run(lambda: self._verify(stored, password))

    def _verify(self, stored: str | None, password: str) -> tuple[bool, str | None]:
        if not self._passwords.verify(stored, password):
            return False, None
        if stored is None or not self._passwords.outdated(stored):
            return True, None
        return True, self._passwords.hash(password)

    @cached_property
    def _passwords(self) -> Passwords:
        return self._make()

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _WAITING:
            raise RateLimited("Too many log in at the same time.", hint="Try again.", retry_after=2)
        self._waiting += 1
        try:
            async with self._places:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def _usual() -> Passwords:
    from llmd.security.passwords import Passwords  # noqa: PLC0415  35 ms and a hash, at first use

    return Passwords()
