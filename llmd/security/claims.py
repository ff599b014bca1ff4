"""What tokens say, apart from how they are signed."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

_SHAPE = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*", re.ASCII)


class TokenKind(StrEnum):
    """What a token is good for; also the audience it is written to."""

    ACCESS = "access"
    REFRESH = "refresh"


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says; times in seconds since the epoch."""

    kind: TokenKind
    user: str
    family: str
    """The login it came of."""
    id: str
    issued_at: int
    expires_at: int


def looks_like_token(text: str) -> bool:
    """Whether somebody means this for a JWT."""
    return _SHAPE.fullmatch(text) is not None
