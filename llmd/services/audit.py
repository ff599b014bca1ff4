"""What was done to accounts, and who tried what was not theirs: a log line at once, and a row in
the database within a second.

Nothing here holds a secret: keys appear by their prefix, and names that do not exist not at all,
since they may be passwords in the wrong field.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import structlog

from llmd.protocol.accounts import AuditEntry, AuditKind, AuditPage, AuditWish
from llmd.protocol.callers import Caller
from llmd.services.deferred import Deferred
from llmd.storage.audit import AuditRepository

_DELAY = 1.0
_KEPT = 180 * 86400.0
_REPEATED = 60.0
"""Seconds in which the same refusal is noted once: a flood must not fill the disk."""
_REMEMBERED = 1000
_LONGEST = 200
NOBODY = Caller(client="nobody")


class Audit:
    """The audit log."""

    def __init__(self, repository: AuditRepository, clock: Callable[[], float] = time.time) -> None:
        self._repository = repository
        self._clock = clock
        self._pending = Deferred(self._write, _DELAY)
        self._refused: OrderedDict[tuple[str, str], float] = OrderedDict()

    def note(
        self, kind: AuditKind, caller: Caller | None, subject: str = "", detail: str = ""
    ) -> None:
        """Note that a caller (None: the owner) did something."""
        entry = AuditEntry(
            at=self._clock(),
            kind=kind,
            actor=_actor(caller),
            subject=subject[:_LONGEST],
            address=caller.address if caller else "",
            detail=detail[:_LONGEST],
        )
        structlog.get_logger("audit").info(
            str(kind),
            actor=entry.actor,
            subject=entry.subject,
            address=entry.address,
            detail=entry.detail,
        )
        self._pending.add(entry)

    def refused(self, caller: Caller, what: str) -> None:
        """Note that a caller asked for what is for admins."""
        now, key = self._clock(), (caller.client, what)
        if now - self._refused.get(key, 0.0) < _REPEATED:
            return
        self._refused[key] = now
        self._refused.move_to_end(key)
        while len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)
        self.note(AuditKind.REFUSED, caller, what)

    async def list(self, limit: int = 100) -> list[AuditEntry]:
        """Return the latest entries, newest first; raise StorageFailed."""
        await self._pending.flush()
        return await self._repository.list(limit)

    async def page(self, wish: AuditWish) -> AuditPage:
        """Return the entries that are wanted, newest first; raise StorageFailed."""
        await self._pending.flush()
        return await self._repository.page(wish)

    async def close(self) -> None:
        """Write what is pending."""
        await self._pending.close()

    async def _write(self, entries: Sequence[AuditEntry]) -> None:
        await self._repository.add(entries, self._clock() - _KEPT)


def _actor(caller: Caller | None) -> str:
    if caller is None or caller.owner:
        return "owner"
    if caller.key:
        return f"key:{caller.label}"
    return f"user:{caller.label}" if caller.user else "nobody"
