"""Access and refresh tokens: JWTs signed with HMAC-SHA256 by this installation's secret.

The algorithm is fixed, whatever a token's header says, and each kind says in its claims what it is,
so that a refresh token opens nothing and an access token refreshes nothing. Pure: the clock is
passed in.
"""

from __future__ import annotations

from typing import Any

import jwt
import msgspec
from jwt.types import Options

from llmd.errors import Unauthorized
from llmd.security import stamps
from llmd.security.claims import Claims, TokenKind

_ALGORITHM = "HS256"
_ISSUER = "llmd"
_REQUIRED = ["iss", "aud", "sub", "exp", "iat", "jti"]
_OPTIONS: Options = {
    "require": _REQUIRED,
    # both against the clock that was passed in
    "verify_exp": False,
    "verify_iat": False,
}


class Tokens:
    """Signs claims, and reads what was signed."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        # JOSE's own table of algorithms stays out of it
        self._jwt = jwt.PyJWT()

    def sign(self, claims: Claims) -> str:
        """Return a token."""
        payload = {
            "iss": _ISSUER,
            "aud": _audience(claims.kind),
            "sub": claims.user,
            "fam": claims.family,
            "typ": str(claims.kind),
            "jti": claims.id,
            "iat": claims.issued_at,
            "exp": claims.expires_at,
        }
        return self._jwt.encode(payload, self._secret, algorithm=_ALGORITHM)

    def stamp(self, visit: str) -> str:
        """Return the stamp of a browser's visit."""
        return stamps.stamp(self._secret, visit)

    def stamped(self, visit: str, shown: str) -> bool:
        """Whether what a form shows is the stamp of this visit."""
        return stamps.same(self._secret, visit, shown)

    def read(self, token: str, kind: TokenKind, now: float) -> Claims:
        """Return what a token of this kind says; raise Unauthorized for a forged or expired one."""
        try:
            payload = self._jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=_audience(kind),
                issuer=_ISSUER,
                options=_OPTIONS,
            )
            claims = _claims(payload)
        except (jwt.InvalidTokenError, msgspec.ValidationError, KeyError, ValueError) as error:
            raise Unauthorized(
                f"This is no {kind} token of this llmd.", hint="Log in again."
            ) from error
        if claims.kind is not kind:
            raise Unauthorized(f"This is no {kind} token.", hint="Log in again.")
        if claims.expires_at <= now:
            raise Unauthorized(f"The {kind} token has expired.", hint=_HINTS[kind])
        return claims


_HINTS = {TokenKind.ACCESS: "Refresh it, or log in again.", TokenKind.REFRESH: "Log in again."}


def _audience(kind: TokenKind) -> str:
    return f"llmd:{kind}"


def _claims(payload: dict[str, Any]) -> Claims:
    plain = {
        "kind": payload["typ"],
        "user": payload["sub"],
        "family": payload["fam"],
        "id": payload["jti"],
        "issued_at": payload["iat"],
        "expires_at": payload["exp"],
    }
    return msgspec.convert(plain, Claims)
