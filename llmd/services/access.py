"""Who a caller is, and whether they may do what they ask for.

What was found out about a key or a token is remembered for a while, so that most requests ask
nobody. Any change to accounts makes this daemon forget all of it at once; other daemons on the same
database notice when their memory has gone stale.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from prometheus_client import Counter

from llmd.config.settings import AuthMode
from llmd.errors import Forbidden, InvalidKey, Unauthorized
from llmd.protocol.accounts import User
from llmd.protocol.callers import Caller, Credentials, Scope, short_hash
from llmd.security import api_keys, scopes
from llmd.security.claims import TokenKind, looks_like_token
from llmd.services.audit import Audit
from llmd.services.last_used import LastUsed
from llmd.services.revocations import Revocations
from llmd.services.signing import Signing
from llmd.storage.api_keys import Candidate, KeyRepository
from llmd.storage.token_families import FamilyRepository

_FRESH = 30.0
_REMEMBERED = 4096
_GRACE = 5.0
_NEEDED = "Send a key: `Authorization: Bearer llmd-...`; `llmd keys add` makes one."


class Known(msgspec.Struct):
    """What was found out about a key or a token."""

    caller: Caller
    fresh_until: float
    expires_at: float
    changes: int
    """As of when, see Revocations."""


class Registers(msgspec.Struct, frozen=True):
    """Where keys and logins are looked up."""

    keys: KeyRepository
    families: FamilyRepository
    signing: Signing
    last_used: LastUsed
    failures: Counter
    """Counts what was refused, by reason."""


class Access:
    """Turns credentials into callers."""

    def __init__(
        self,
        mode: AuthMode,
        registers: Registers,
        revocations: Revocations,
        audit: Audit,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._mode = mode
        self._registers = registers
        self._revocations = revocations
        self._audit = audit
        self._clock = clock
        self._known: OrderedDict[bytes, Known] = OrderedDict()

    @property
    def mode(self) -> AuthMode:
        """Who may use llmd over the network."""
        return self._mode

    async def identify(self, credentials: Credentials) -> Caller:
        """Return who shows these credentials; raise Unauthorized for such as do not count, and
        StorageFailed when that cannot be found out.
        """
        if credentials.process:
            return Caller(client=credentials.process, trace=credentials.trace, owner=True)
        token = credentials.token
        if not token:
            return self._anybody(credentials, f"address:{credentials.address}")
        if self._remembers(token):
            known = await self._look_up(token)
            return msgspec.structs.replace(
                known.caller, trace=credentials.trace, address=credentials.address
            )
        if self._mode is not AuthMode.OPEN:
            raise InvalidKey("This is no key of this llmd.", hint=_NEEDED)
        # a key that means nothing here, as clients want to have one: it tells them apart
        return self._anybody(credentials, f"key:{short_hash(token)}")

    async def admit(self, credentials: Credentials, scope: Scope | None) -> Caller:
        """Identify a caller and see that they have the scope. Where anybody may ask (None),
        credentials that do not count do no harm: clients send stale ones along with a login.
        """
        try:
            caller = await self.identify(credentials)
        except Unauthorized:
            if scope is not None:
                self._registers.failures.labels("key").inc()
                raise
            return self._anybody(credentials, f"address:{credentials.address}")
        self.permit(caller, scope)
        return caller

    def permit(self, caller: Caller, scope: Scope | None) -> None:
        """Raise Unauthorized for a caller who would have to say who they are, and Forbidden for one
        who has not the scope.
        """
        if scope is None or scope in caller.scopes:
            return
        if scope is Scope.ADMIN:
            self._audit.refused(caller, str(scope))
        if not (caller.user or caller.key):
            raise Unauthorized(
                "This is for admins." if scope is Scope.ADMIN else "This needs a key.",
                hint=_NEEDED,
            )
        raise Forbidden(
            f"This needs the scope {scope}.",
            hint="Use the key of somebody who has it.",
            scope=str(scope),
        )

    def _anybody(self, credentials: Credentials, client: str) -> Caller:
        return Caller(
            client=client,
            trace=credentials.trace,
            address=credentials.address,
            scopes=scopes.OPEN if self._mode is AuthMode.OPEN else frozenset(),
        )

    @staticmethod
    def _remembers(token: str) -> bool:
        """Whether it is meant for something that llmd has made."""
        return api_keys.looks_like_ours(token) or looks_like_token(token)

    async def _look_up(self, token: str) -> Known:
        """Return what is known of a key or a token that counts; raise Unauthorized."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        now = self._clock()
        known = self._known.get(digest)
        if known is None or not self._usable(known, now):
            try:
                known = await self._find(token, now)
            except Unauthorized:
                # taken back by another daemon: nobody else is to be let in on what was known
                self._known.pop(digest, None)
                raise
            self._remember(digest, known)
        if known.expires_at <= now:
            expired = InvalidKey if known.caller.key else Unauthorized
            raise expired("This key or token has expired.", hint=_NEEDED)
        if known.caller.key:
            self._registers.last_used.note(known.caller.key, now)
        return known

    def _usable(self, known: Known, now: float) -> bool:
        if known.changes != self._revocations.changes:
            return False
        if now < known.fresh_until:
            return True
        # one caller looks again; the others need not wait for it
        known.fresh_until = now + _GRACE
        return False

    def _remember(self, digest: bytes, known: Known) -> None:
        self._known[digest] = known
        self._known.move_to_end(digest)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    async def _find(self, token: str, now: float) -> Known:
        # a change while the database is asked makes the answer stale at once
        changes = self._revocations.changes
        if api_keys.looks_like_ours(token):
            caller, expires_at = await self._of_key(token)
        else:
            caller, expires_at = await self._of_login(token, now)
        return Known(caller, now + _FRESH, expires_at, changes)

    async def _of_key(self, token: str) -> tuple[Caller, float]:
        found = None
        if api_keys.well_formed(token):
            digest = api_keys.digest(token)
            candidates = await self._registers.keys.candidates(api_keys.shown(token))
            found = next((one for one in candidates if api_keys.same(one.digest, digest)), None)
        if found is None:
            raise InvalidKey("There is no such key.", hint=_NEEDED)
        if not found.key.enabled or (found.user and not found.user.enabled):
            raise InvalidKey("This key is disabled.", hint="Ask an admin for another one.")
        expires_at = found.key.expires_at
        return _by_key(found), float("inf") if expires_at is None else expires_at

    async def _of_login(self, token: str, now: float) -> tuple[Caller, float]:
        if self._mode is AuthMode.KEYS:
            raise Unauthorized("Logins do not count here, only keys.", hint=_NEEDED)
        claims = await self._registers.signing.read(token, TokenKind.ACCESS, now)
        login = await self._registers.families.get(claims.family)
        if login is None or login.family.revoked or login.user.id != claims.user:
            raise Unauthorized("This login is over.", hint="Log in again.")
        if not login.user.enabled:
            raise Unauthorized("This account is disabled.", hint="Ask an admin.")
        return _by_login(login.user, login.family.id), float(claims.expires_at)


def _by_key(found: Candidate) -> Caller:
    key, user = found.key, found.user
    return Caller(
        client=f"key:{key.prefix}",
        user=key.user,
        key=key.id,
        scopes=scopes.effective(key.scopes, user.role if user else None),
        label=key.prefix,
        key_allowance=key.limits,
        user_allowance=user.limits if user else Caller().user_allowance,
    )


def _by_login(user: User, login: str) -> Caller:
    return Caller(
        client=f"account:{user.name}",
        user=user.id,
        login=login,
        scopes=scopes.of_role(user.role),
        label=user.name,
        user_allowance=user.limits,
    )
