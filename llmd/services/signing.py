"""Signs tokens and reads them; the secret is read, or made, when the first one comes along."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from llmd.security.claims import Claims, TokenKind
from llmd.security.secret_file import load_secret

if TYPE_CHECKING:
    from llmd.security.tokens import Tokens


class Signing:
    """The tokens of one installation."""

    def __init__(self, secret_file: Path) -> None:
        self._file = secret_file
        self._loading = asyncio.Lock()
        self._tokens: Tokens | None = None

    async def sign(self, claims: Claims) -> str:
        """Return a token; raise ConfigInvalid when the secret cannot be had."""
        return (await self._ready()).sign(claims)

    async def read(self, token: str, kind: TokenKind, now: float) -> Claims:
        """Return what a token says; raise Unauthorized, and as `sign`."""
        return (await self._ready()).read(token, kind, now)

    async def stamp(self, visit: str) -> str:
        """Return the stamp of a browser's visit; errors as `sign`."""
        return (await self._ready()).stamp(visit)

    async def stamped(self, visit: str, shown: str) -> bool:
        """Whether what a form shows is the stamp of this visit; errors as `sign`."""
        return (await self._ready()).stamped(visit, shown)

    async def _ready(self) -> Tokens:
        if self._tokens is not None:
            return self._tokens
        return await self._first()

    async def _first(self) -> Tokens:
        async with self._loading:
            if self._tokens is None:
                self._tokens = await asyncio.to_thread(_load, self._file)
            return self._tokens


def _load(file: Path) -> Tokens:
    from llmd.security.tokens import Tokens  # noqa: PLC0415  70 ms that most starts can do without

    return Tokens(load_secret(file))
