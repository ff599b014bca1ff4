"""Browsers, told apart by cookies.

The cookies are for llmd alone (HttpOnly), and their names have the port in them: browsers share
cookies between all servers of one host. The login is SameSite=Strict, which keeps other sites from
using it even by a link; what only says how pages look, and which browser it is, is sent with links
(Lax), so that following one neither changes the language nor makes open pages stale.
"""

from __future__ import annotations

import re
import secrets

import msgspec
from aiohttp import hdrs, web

from llmd.server.http.forwarded import secure
from llmd.server.http.keys import SETTINGS

_ID = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_PORT = re.compile(r":([0-9]{1,5})\Z", re.ASCII)
YEAR = 365 * 86400
"""Seconds for which browsers keep what has no end of its own."""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that asks."""

    id: str
    """Random; it says nothing of a person."""
    fresh: bool = False
    """Whether the browser has yet to be told its id."""
    token: str = ""
    """What it logged in with: an access token or an API key."""
    language: str = ""
    """The one that was chosen; empty: none was."""
    theme: str = ""
    """`light` or `dark`; empty: as the system has it."""

    @property
    def seal(self) -> str:
        """What the stamps of its pages are made of: they end with the login."""
        return f"{self.id}\0{self.token}"


VISIT = web.RequestKey("visit", Visit)


def read(request: web.Request) -> Visit:
    """Return the browser that a request comes from."""
    found = {what: request.cookies.get(_name(request, what), "") for what in _WHAT}
    known = bool(_ID.fullmatch(found["visit"]))
    return Visit(
        id=found["visit"] if known else secrets.token_urlsafe(16),
        fresh=not known,
        token=found["login"] if _TOKEN.fullmatch(found["login"]) else "",
        language=found["language"][:8],
        theme=found["theme"] if found["theme"] in {"light", "dark"} else "",
    )


def write(
    request: web.Request, response: web.StreamResponse, what: str, value: str, age: int = YEAR
) -> None:
    """Have the browser keep one of `visit`, `login`, `language` and `theme` for so many seconds; an
    empty value has it forget.
    """
    response.set_cookie(
        _name(request, what),
        value,
        max_age=age if value else 0,
        path="/",
        httponly=True,
        samesite="Strict" if what == "login" else "Lax",
        secure=secure(
            request.scheme,
            request.remote or "unknown",
            request.headers,
            request.app[SETTINGS].trusted_proxies,
        ),
    )


_WHAT = ("visit", "login", "language", "theme")


def _name(request: web.Request, what: str) -> str:
    # the port that the browser knows, which behind proxies is not the listener's
    found = _PORT.search(request.headers.get(hdrs.HOST, ""))
    return f"llmd-{what}-{found[1]}" if found else f"llmd-{what}"
