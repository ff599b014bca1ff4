"""API keys: made, changed and removed. What takes a right away acts at once, also on answers that
are under way.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable

from llmd.errors import InvalidRequest, NotFound
from llmd.protocol.accounts import ApiKey, AuditKind, KeyChanges, NewKey
from llmd.protocol.callers import Caller, Role, Scope
from llmd.protocol.limits import Allowance
from llmd.security import api_keys
from llmd.security.naming import is_text
from llmd.security.scopes import grantable
from llmd.services.audit import Audit
from llmd.services.last_used import LastUsed
from llmd.services.revocations import Revocations
from llmd.storage.api_keys import KeyRepository
from llmd.storage.users import UserRepository

_LONGEST = 100


class Keys:
    """What `llmd keys` and the admin calls need. `by` is who does it, for the audit log; None: the
    owner. All methods raise StorageFailed.
    """

    def __init__(
        self,
        repositories: tuple[KeyRepository, UserRepository],
        last_used: LastUsed,
        revocations: Revocations,
        audit: Audit,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys, self._users = repositories
        self._last_used = last_used
        self._revocations = revocations
        self._audit = audit
        self._clock = clock

    async def list(self, user: str = "", skip: int = 0, limit: int | None = None) -> list[ApiKey]:
        """Return the keys of the user of this id, or all, oldest first."""
        if not is_text(user):
            return []
        found = await self._keys.list(user, skip, limit)
        return [self._last_used.shown(key) for key in found]

    async def get(self, identity: str) -> ApiKey:
        """Return the key of this id; raise NotFound."""
        key = await self._keys.get(identity) if is_text(identity) else None
        return self._last_used.shown(_found(key, identity))

    async def known_as(self, text: str) -> ApiKey:
        """Return the key of this id, prefix or name; raise NotFound, and InvalidRequest where that
        fits several.
        """
        found = [key for key in await self._keys.list() if text in {key.id, key.prefix, key.name}]
        if len(found) > 1:
            raise InvalidRequest(
                f"{len(found)} keys are called {text[:_LONGEST]!r}.",
                hint="Use the prefix: `llmd keys ls` shows it.",
            )
        return self._last_used.shown(_found(found[0] if found else None, text))

    async def create(  # noqa: PLR0913  each is something that a key has
        self,
        user: str = "",
        name: str = "",
        scopes: Iterable[Scope] | None = None,
        expires_at: float | None = None,
        limits: Allowance = Allowance(),  # noqa: B008  frozen
        *,
        by: Caller | None = None,
    ) -> NewKey:
        """Make a key for the user of this id (empty: for a program, of nobody); its secret is
        returned this once. `scopes` of None are all that its user may, else what is usual.

        Raises NotFound (no such user), Forbidden (more scopes than the user may have) and
        InvalidRequest.
        """
        secret = api_keys.make_key()
        key = ApiKey(
            id=str(uuid.uuid4()),
            prefix=api_keys.shown(secret),
            name=_check_name(name),
            user=user,
            scopes=grantable(scopes, await self._role(user)),
            created_at=self._clock(),
            expires_at=self._check_end(expires_at),
            limits=limits,
        )
        await self._keys.add(key, api_keys.digest(secret))
        self._audit.note(AuditKind.KEY_ADDED, by, key.prefix, " ".join(sorted(key.scopes)))
        return NewKey(key=key, secret=secret)

    async def update(
        self, identity: str, changes: KeyChanges, *, by: Caller | None = None
    ) -> ApiKey:
        """Change a key; raise NotFound and InvalidRequest. Disabling it ends its answers."""
        await self.get(identity)
        values = {
            name: value
            for name in changes.__struct_fields__
            if (value := getattr(changes, name)) is not None
        }
        _check_name(values.get("name", ""))
        try:
            changed = await self._keys.change(identity, values)
        finally:
            # also when the caller has left meanwhile: the change may have been made
            self._revocations.changed()
            if changes.enabled is False:
                self._revocations.revoke_key(identity)
        key = _found(changed, identity)
        self._audit.note(AuditKind.KEY_CHANGED, by, key.prefix, ", ".join(values))
        return self._last_used.shown(key)

    async def remove(self, identity: str, *, by: Caller | None = None) -> ApiKey:
        """Forget a key and return what it was; raise NotFound."""
        key = await self.get(identity)
        try:
            await self._keys.remove(identity)
        finally:
            self._revocations.revoke_key(identity)
        self._audit.note(AuditKind.KEY_REMOVED, by, key.prefix)
        return key

    async def _role(self, user: str) -> Role | None:
        if not user:
            return None
        found = await self._users.get(user) if is_text(user) else None
        if found is None:
            raise NotFound(
                f"There is no user {user[:_LONGEST]!r}.",
                hint="`llmd users ls` lists them.",
                param="user",
            )
        return found.role

    def _check_end(self, moment: float | None) -> float | None:
        if moment is not None and not moment > self._clock():
            raise InvalidRequest(
                "The key would have expired already.",
                hint="Choose a time to come.",
                param="expires_at",
            )
        return moment


def _check_name(name: str) -> str:
    if len(name) > _LONGEST or not (name.isprintable() and is_text(name)):
        raise InvalidRequest(
            f"The name of a key has at most {_LONGEST} characters, all of them printable.",
            hint="Choose another one.",
            param="name",
        )
    return name


def _found(key: ApiKey | None, identity: str) -> ApiKey:
    if key is None:
        raise NotFound(
            f"There is no key {identity[:_LONGEST]!r}.", hint="`llmd keys ls` lists them."
        )
    return key
