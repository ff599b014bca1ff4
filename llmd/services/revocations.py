"""What has lost its right: ends the answers it is getting, and tells caches that something changed.

No answer looks anything up while it runs: revoking reaches into those that are under way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from llmd.errors import Unauthorized
from llmd.protocol.callers import Caller
from llmd.services.stopping import Stop

T = TypeVar("T")


class Revocations:
    """Answers under way that somebody's key, login or account carries."""

    def __init__(self) -> None:
        self._watches: dict[Stop, Caller] = {}
        self.changes = 0
        """Counts up with all that may change what anybody may do."""

    @property
    def watched(self) -> int:
        """Answers that can be ended."""
        return len(self._watches)

    def changed(self) -> None:
        """Say that what was remembered of callers may be wrong now."""
        self.changes += 1

    def revoke_user(self, user: str) -> None:
        """End the answers of an account."""
        self._strike(lambda caller: caller.user == user)

    def revoke_logins(self, user: str) -> None:
        """End the answers of all logins of an account; those of its keys go on."""
        self._strike(lambda caller: caller.user == user and bool(caller.login))

    def revoke_login(self, login: str) -> None:
        """End the answers of one login."""
        self._strike(lambda caller: caller.login == login)

    def revoke_key(self, key: str) -> None:
        """End the answers of a key."""
        self._strike(lambda caller: caller.key == key)

    def watching(self, caller: Caller, stop: Stop) -> AbstractContextManager[None]:
        """Have `stop` pulled with Unauthorized once the caller is revoked, for the length of a
        `with`.
        """
        return self._watch(caller, stop) if _revocable(caller) else nullcontext()

    async def bounded(self, caller: Caller, result: Awaitable[T]) -> T:
        """Return the result; raise Unauthorized, and cancel it, once the caller is revoked."""
        if not _revocable(caller):
            return await result
        stop = Stop()
        with self._watch(caller, stop), stop:
            return await result

    def _strike(self, meant: Callable[[Caller], bool]) -> None:
        self.changed()
        for stop, caller in tuple(self._watches.items()):
            if meant(caller):
                stop.pull(_revoked())

    @contextmanager
    def _watch(self, caller: Caller, stop: Stop) -> Iterator[None]:
        self._watches[stop] = caller
        try:
            yield
        finally:
            del self._watches[stop]


def _revocable(caller: Caller) -> bool:
    return bool(caller.user or caller.key)


def _revoked() -> Unauthorized:
    return Unauthorized(
        "The key or login that asked for this was revoked.", hint="Ask an admin for another one."
    )
