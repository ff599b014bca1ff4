"""API keys: `llmd-`, 40 random characters, and 6 that follow from them, so that a mistyped or
invented key is told from a real one without asking the database.

Only the SHA-256 of a key is stored. That is enough, unlike for passwords: nobody guesses 238 bits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib

PREFIX = "llmd-"
_ALPHABET = string.digits + string.ascii_letters
_RANDOM = 40
_CHECK = 6
_SHOWN = len(PREFIX) + 8
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECK}}}")


def make_key() -> str:
    """Return a new secret."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + body + _check(body)


def looks_like_ours(token: str) -> bool:
    """Whether somebody means this for a key of llmd."""
    return token.startswith(PREFIX)


def well_formed(token: str) -> bool:
    """Whether llmd may have made it; most forgeries end here."""
    if not _SHAPE.fullmatch(token):
        return False
    body, check = token[len(PREFIX) : -_CHECK], token[-_CHECK:]
    return hmac.compare_digest(check, _check(body))


def shown(token: str) -> str:
    """Return the beginning of a secret, by which people tell keys apart."""
    return token[:_SHOWN]


def digest(token: str) -> str:
    """Return what is stored instead of the secret, in hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two digests in a time that tells nothing of them."""
    return hmac.compare_digest(one, other)


def _check(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(_CHECK):
        number, rest = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[rest])
    return "".join(digits)
