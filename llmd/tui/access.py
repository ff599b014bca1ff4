"""Keys and accounts as rows, the modes in words, and what somebody types into the form of a key.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmd.config.values import Duration
from llmd.errors import InvalidRequest
from llmd.protocol import amounts
from llmd.protocol.accounts import ApiKey, User
from llmd.protocol.callers import EVERYTHING, Role, Scope
from llmd.protocol.limits import Allowance
from llmd.tui.cells import Cell, Column, Row, Tone

MODES = {
    "open": "Mode open: whoever reaches the address may do all but administer. Keys are not "
    "needed; they tell callers apart and carry limits. To need them: llmd config set "
    "security.mode keys, then llmd restart.",
    "keys": "Mode keys: callers over TCP need one of these keys. This page and the command line "
    "come over the Unix socket and need none.",
    "users": "Mode users: callers over TCP need a key, or the token of somebody who logged in. "
    "This page and the command line come over the Unix socket and need none.",
}

KEY_COLUMNS = (
    Column(name="KEY"),
    Column(name="NAME", flexible=True),
    Column(name="USER", rank=3),
    Column(name="STATE"),
    Column(name="MAY", rank=4),
    Column(name="USED", rank=2),
    Column(name="EXPIRES", rank=1),
    Column(name="LIMITS", rank=5),
)
USER_COLUMNS = (
    Column(name="USER", flexible=True),
    Column(name="ROLE"),
    Column(name="STATE"),
    Column(name="LOGIN", rank=1),
    Column(name="LIMITS", rank=2),
)
_SHORT = {
    "requests_per_minute": "requests/min",
    "tokens_per_minute": "tokens/min",
    "tokens_per_day": "tokens/day",
    "concurrent": "at once",
}
_LEAST_SCOPES = 1


def key_row(key: ApiKey, user: str, now: float) -> Row:
    """Return the row of a key."""
    ends = key.expires_at
    expired = ends is not None and ends <= now
    dim = Tone.DIM if expired or not key.enabled else Tone.PLAIN
    left = "never" if ends is None else "" if expired else f"in {amounts.duration(ends - now)}"
    cells = (
        Cell(key.prefix, dim),
        Cell(key.name, dim),
        Cell(user, dim),
        _state(enabled=key.enabled, expired=expired),
        Cell(scopes(key.scopes), dim),
        Cell(_ago(key.last_used, now), dim),
        Cell(left, dim),
        Cell(limits(key.limits), dim),
    )
    return Row(key.id, cells)


def user_row(user: User, now: float) -> Row:
    """Return the row of an account."""
    dim = Tone.PLAIN if user.enabled else Tone.DIM
    cells = (
        Cell(user.name, dim),
        Cell(str(user.role), Tone.ACCENT if user.role is Role.ADMIN else dim),
        _state(enabled=user.enabled),
        Cell(_ago(user.last_login, now), dim),
        Cell(limits(user.limits), dim),
    )
    return Row(user.id, cells)


def _state(*, enabled: bool, expired: bool = False) -> Cell:
    if expired:
        return Cell("expired", Tone.WARN)
    return Cell("enabled", Tone.GOOD) if enabled else Cell("disabled", Tone.BAD)


def _ago(moment: float | None, now: float) -> str:
    return "never" if moment is None else f"{amounts.duration(now - moment)} ago"


def scopes(found: frozenset[Scope]) -> str:
    """Return what may be done, in the order of Scope."""
    if found == EVERYTHING:
        return "all"
    return " ".join(scope.value for scope in Scope if scope in found) or "nothing"


def limits(allowance: Allowance) -> str:
    """Return what is limited otherwise than the settings say."""
    found = ((getattr(allowance, name), word) for name, word in _SHORT.items())
    return ", ".join(
        f"{amounts.count(most)} {word}" if most else f"no limit of {word}"
        for most, word in found
        if most is not None
    )


def key_order(
    *,
    name: str,
    user: str,
    expires: str,
    scopes: Sequence[Scope],
    limits: Mapping[str, str],
) -> dict[str, Any]:
    """Return an order for a key as the daemon takes it; raise InvalidRequest."""
    if len(scopes) < _LEAST_SCOPES:
        raise InvalidRequest("A key that may do nothing is of no use: tick one.", param="scopes")
    return {
        "name": name.strip(),
        "user": user,
        "scopes": [scope.value for scope in scopes],
        "expires_in": _seconds(expires.strip()),
        "limits": {field: _limit(field, text.strip()) for field, text in limits.items()},
    }


def _seconds(text: str) -> float | None:
    if not text or text == "never":
        return None
    try:
        found = Duration.parse(text)
    except ValueError as error:
        raise InvalidRequest(f"Expires in: {error}.", param="expires") from None
    return float(found) if found.limited else None


def _limit(field: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise InvalidRequest(f"{text} {_SHORT[field]} is no whole number.", param=field)
    return int(text)
