"""Accounts: made, changed and removed. What takes a right away acts at once, also on answers that
are under way.

Nobody but the owner, who needs no account, can take the administration from themselves or from the
last who has it: somebody could not get it back over the network.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

from llmd.errors import Forbidden, NotFound
from llmd.protocol.accounts import AuditKind, User, UserChanges
from llmd.protocol.callers import Caller, Role
from llmd.protocol.limits import Allowance
from llmd.security.naming import check_name, check_password, folded, is_text
from llmd.services.audit import Audit
from llmd.services.hashing import Hashing
from llmd.services.revocations import Revocations
from llmd.storage.users import UserRepository


class Users:
    """What `llmd users` and the admin calls need. `by` is who does it, for the audit log; None:
    the owner. All methods raise StorageFailed.
    """

    def __init__(
        self,
        repository: UserRepository,
        hashing: Hashing,
        revocations: Revocations,
        audit: Audit,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._users = repository
        self._hashing = hashing
        self._revocations = revocations
        self._audit = audit
        self._clock = clock
        self._changing = asyncio.Lock()
        """So that two admins who remove each other do not both succeed."""

    async def list(self, skip: int = 0, limit: int | None = None) -> list[User]:
        """Return accounts by name."""
        return await self._users.list(skip, limit)

    async def get(self, identity: str) -> User:
        """Return the account of this id; raise NotFound."""
        user = await self._users.get(identity) if is_text(identity) else None
        return _found(user, identity)

    async def named(self, name: str) -> User:
        """Return the account of this name, or id; raise NotFound."""
        known = await self._users.named(folded(name)) if is_text(name) else None
        return known.user if known else await self.get(name)

    async def create(
        self,
        name: str,
        password: str,
        role: Role = Role.USER,
        limits: Allowance = Allowance(),  # noqa: B008  frozen
        *,
        by: Caller | None = None,
    ) -> User:
        """Make an account; raise InvalidRequest for a name or password that will not do, and
        NameTaken.
        """
        name = check_name(name)
        check_password(password)
        user = User(
            id=str(uuid.uuid4()), name=name, role=role, created_at=self._clock(), limits=limits
        )
        await self._users.add(user, folded(name), await self._hashing.hash(password))
        self._audit.note(AuditKind.USER_ADDED, by, name, role)
        return user

    async def update(
        self, identity: str, changes: UserChanges, *, by: Caller | None = None
    ) -> User:
        """Change an account; raise NotFound, Forbidden, and as `create`. A new password ends all
        logins, and disabling also all answers.
        """
        values = await self._values(changes)
        ends_logins = changes.password is not None or changes.enabled is False
        async with self._changing:
            known = await self.get(identity)
            if changes.enabled is False or changes.role is Role.USER:
                await self._spare(known, by)
            try:
                changed = await self._users.change(identity, values, ends_logins=ends_logins)
            finally:
                # also when the caller has left meanwhile: the change may have been made
                self._act(identity, changes)
        user = _found(changed, identity)
        what = ", ".join(name for name in changes.__struct_fields__ if _set(changes, name))
        self._audit.note(AuditKind.USER_CHANGED, by, user.name, what)
        return user

    async def remove(self, identity: str, *, by: Caller | None = None) -> User:
        """Forget an account with its keys and logins, and return what it was; raise NotFound and
        Forbidden.
        """
        async with self._changing:
            user = await self.get(identity)
            await self._spare(user, by)
            try:
                await self._users.remove(identity)
            finally:
                self._revocations.revoke_user(identity)
        self._audit.note(AuditKind.USER_REMOVED, by, user.name)
        return user

    async def _spare(self, user: User, by: Caller | None) -> None:
        """Raise Forbidden where somebody would lock out themselves, or all who administer."""
        if by is None or by.owner or not _administers(user):
            return
        if by.user == user.id:
            raise Forbidden(
                "This is your own account.",
                hint="Another admin can do it, or `llmd users` on the machine itself.",
            )
        if sum(map(_administers, await self._users.list())) == 1:
            raise Forbidden(
                f"{user.name} is the last admin.",
                hint="Make another one first, or use `llmd users` on the machine itself.",
            )

    def _act(self, identity: str, changes: UserChanges) -> None:
        self._revocations.changed()
        if changes.enabled is False:
            self._revocations.revoke_user(identity)
        elif changes.password is not None:
            self._revocations.revoke_logins(identity)

    async def _values(self, changes: UserChanges) -> dict[str, Any]:
        values: dict[str, Any] = {
            name: getattr(changes, name)
            for name in ("role", "enabled", "limits")
            if _set(changes, name)
        }
        if changes.name is not None:
            name = check_name(changes.name)
            values |= {"name": name, "folded": folded(name)}
        if changes.password is not None:
            check_password(changes.password)
            values["password"] = await self._hashing.hash(changes.password)
        return values


def _administers(user: User) -> bool:
    return user.enabled and user.role is Role.ADMIN


def _set(changes: UserChanges, name: str) -> bool:
    return getattr(changes, name) is not None


def _found(user: User | None, identity: str) -> User:
    if user is None:
        raise NotFound(f"There is no user {identity[:100]!r}.", hint="`llmd users ls` lists them.")
    return user
