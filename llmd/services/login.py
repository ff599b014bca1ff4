"""Names and passwords in, tokens out.

A login is a family of refresh tokens. Each is good for once and gives the next; one that comes a
second time was stolen, from whoever came first or second, so the whole family ends.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import msgspec
from prometheus_client import Counter

from llmd.config.settings import AuthMode, SecuritySettings
from llmd.config.values import Duration
from llmd.errors import Forbidden, RateLimited, Unauthorized
from llmd.protocol.accounts import AuditKind, BrowserLogin, TokenFamily, TokenPair, User
from llmd.protocol.callers import Caller
from llmd.security.claims import Claims, TokenKind
from llmd.security.naming import folded, is_text
from llmd.security.throttle import Throttle
from llmd.services.audit import Audit
from llmd.services.hashing import Hashing
from llmd.services.revocations import Revocations
from llmd.services.signing import Signing
from llmd.storage.token_families import FamilyRepository
from llmd.storage.users import UserRepository

_LONGEST_NAME = 200
_FOR_EVER = 10 * 365 * 86400.0


class Means(msgspec.Struct, frozen=True):
    """What logins are checked with, and kept in."""

    users: UserRepository
    families: FamilyRepository
    hashing: Hashing
    signing: Signing
    failures: Counter
    """Counts what was refused, by reason."""


class Login:
    """What the login calls of all dialects need."""

    def __init__(
        self,
        settings: SecuritySettings,
        means: Means,
        revocations: Revocations,
        audit: Audit,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._users, self._families = means.users, means.families
        self._hashing, self._signing = means.hashing, means.signing
        self._failures = means.failures
        self._revocations = revocations
        self._audit = audit
        self._clock = clock
        self._throttle = Throttle()

    async def login(self, name: str, password: str, address: str) -> TokenPair:
        """Return tokens for a user.

        Raises Unauthorized for a wrong name or password and a disabled account, RateLimited for
        those who guess, Forbidden where only keys count, StorageFailed, and ConfigInvalid when the
        secret that signs cannot be had.
        """
        lifetime = _seconds(self._settings.refresh_lifetime)
        family, now = await self._begin(name, password, address, lifetime)
        return await self._pair(family.id, family.user, family.current, now)

    async def browse(self, name: str, password: str, address: str) -> BrowserLogin:
        """Return the one token of a browser's login, which counts until the login ends and is not
        refreshed; errors as `login`.
        """
        lifetime = _seconds(self._settings.browser_lifetime)
        family, now = await self._begin(name, password, address, lifetime)
        claims = _claims(TokenKind.ACCESS, family.id, family.user, str(uuid.uuid4()), now, lifetime)
        return BrowserLogin(token=await self._signing.sign(claims), expires_in=int(lifetime))

    async def _begin(
        self, name: str, password: str, address: str, lifetime: float
    ) -> tuple[TokenFamily, float]:
        self._check_mode()
        key = folded(name[:_LONGEST_NAME])
        self._wait(key, address)
        known = await self._users.named(key) if is_text(key) else None
        right, better = await self._hashing.verify(known.password if known else None, password)
        if known is None or not right:
            raise self._failed(known.user if known else None, address)
        self._throttle.succeeded(key, address)
        user, now = known.user, self._clock()
        if not user.enabled:
            self._note(AuditKind.LOGIN_FAILED, user, address, "disabled")
            raise Unauthorized("This account is disabled.", hint="Ask an admin.", reason="disabled")
        values = {"last_login": now} | ({"password": better} if better else {})
        await self._users.change(user.id, values)
        family = TokenFamily(
            id=str(uuid.uuid4()),
            user=user.id,
            current=str(uuid.uuid4()),
            created_at=now,
            expires_at=now + lifetime,
        )
        await self._families.add(family)
        self._note(AuditKind.LOGIN, user, address)
        return family, now

    async def refresh(self, token: str, address: str = "") -> TokenPair:
        """Return new tokens for a refresh token that was not used yet; errors as `login`."""
        self._check_mode()
        now = self._clock()
        claims = await self._signing.read(token, TokenKind.REFRESH, now)
        login = await self._families.get(claims.family)
        if login is None or login.family.revoked or not login.user.enabled:
            raise Unauthorized("This login is over.", hint="Log in again.")
        fresh, end = str(uuid.uuid4()), now + _seconds(self._settings.refresh_lifetime)
        if not await self._families.rotate(claims.family, claims.id, fresh, end):
            self._failures.labels("reused").inc()
            await self._end(claims.family)
            self._note(AuditKind.TOKEN_REUSED, login.user, address)
            raise Unauthorized(
                "This refresh token was used before; the login has been ended.",
                hint="Log in again.",
            )
        return await self._pair(claims.family, login.user.id, fresh, now)

    async def logout(self, token: str) -> None:
        """End the login that a token, of either kind, belongs to; raise Unauthorized for one that
        does not count.
        """
        now = self._clock()
        try:
            claims = await self._signing.read(token, TokenKind.REFRESH, now)
        except Unauthorized:
            claims = await self._signing.read(token, TokenKind.ACCESS, now)
        login = await self._families.get(claims.family)
        await self._end(claims.family)
        if login:
            self._note(AuditKind.LOGOUT, login.user, "")

    def _check_mode(self) -> None:
        if self._settings.mode is AuthMode.KEYS:
            raise Forbidden(
                "Nobody logs in here: this llmd takes API keys only.",
                hint="Use a key, or set security.mode to users.",
            )

    def _wait(self, name: str, address: str) -> None:
        if seconds := self._throttle.attempt(name, address, self._clock()):
            self._failures.labels("throttled").inc()
            raise RateLimited(
                "Too many logins have failed.",
                hint=f"Try again in {seconds} s.",
                retry_after=seconds,
            )

    def _failed(self, user: User | None, address: str) -> Unauthorized:
        self._failures.labels("password").inc()
        self._note(AuditKind.LOGIN_FAILED, user, address)
        return Unauthorized("The name or the password is wrong.", hint="Check both.")

    def _note(self, kind: AuditKind, user: User | None, address: str, detail: str = "") -> None:
        name = user.name if user else ""
        caller = Caller(user=user.id if user else "", label=name, address=address)
        self._audit.note(kind, caller, name, detail)

    async def _end(self, family: str) -> None:
        try:
            await self._families.revoke(family)
        finally:
            self._revocations.revoke_login(family)

    async def _pair(self, family: str, user: str, refresh: str, now: float) -> TokenPair:
        lifetime = _seconds(self._settings.access_lifetime)
        longest = _seconds(self._settings.refresh_lifetime)
        access = await self._signing.sign(
            _claims(TokenKind.ACCESS, family, user, str(uuid.uuid4()), now, lifetime)
        )
        renewal = await self._signing.sign(
            _claims(TokenKind.REFRESH, family, user, refresh, now, longest)
        )
        return TokenPair(access_token=access, refresh_token=renewal, expires_in=int(lifetime))


def _claims(  # noqa: PLR0913, PLR0917  each of them is one claim
    kind: TokenKind, family: str, user: str, identity: str, now: float, lifetime: float
) -> Claims:
    return Claims(
        kind=kind,
        user=user,
        family=family,
        id=identity,
        issued_at=int(now),
        expires_at=int(now + lifetime),
    )


def _seconds(lifetime: Duration) -> float:
    return max(1.0, float(lifetime)) if lifetime.limited else _FOR_EVER
