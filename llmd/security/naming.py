"""What names and passwords may look like, before anything is hashed or stored."""

from __future__ import annotations

import re
import secrets
import unicodedata

from llmd.errors import InvalidRequest

_NAME = re.compile(r"\w[\w.@+-]{0,63}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are taken for others when somebody reads them out."""
_GROUPS, _OF = 4, 5

SHORTEST = 8
LONGEST = 1024
"""Characters; argon2 would gladly hash a gigabyte."""


def check_password(password: str) -> None:
    """Raise InvalidRequest for a password that is too short, too long, or that no form can send."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidRequest(
            f"A password has {SHORTEST} to {LONGEST} characters.",
            hint="Choose another one.",
            param="password",
        )
    if not is_text(password):
        raise InvalidRequest(
            "The password has characters that cannot be typed.", param="password", hint="Use text."
        )


def make_password() -> str:
    """Return a new one that can be read out and typed: 99 bits, in groups."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_OF)) for _ in range(_GROUPS))
    return "-".join(groups)


def is_text(text: str) -> bool:
    """Whether a database can be asked for it: JSON can smuggle in halves of characters, and
    PostgreSQL knows no U+0000.
    """
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_name(name: str) -> str:
    """Return a name as it is stored: letters and digits of any script, `_ . @ + -`, at most 64;
    raise InvalidRequest for others. Ids are no names, so that nobody is called as another's id.
    """
    normal = unicodedata.normalize("NFKC", name)
    if not _NAME.fullmatch(normal) or _UUID.fullmatch(normal.lower()):
        raise InvalidRequest(
            "A name has 1 to 64 letters, digits or _ . @ + -, and begins with a letter or digit.",
            hint="Choose another one.",
            param="name",
        )
    return normal


def folded(name: str) -> str:
    """Return a name as it is compared: case and ways to write a character do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
