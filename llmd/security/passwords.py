"""Password hashes: argon2id, with the parameters inside each hash, so that raising them touches
nobody until their next login.
"""

from __future__ import annotations

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from llmd.security.naming import LONGEST, is_text


class Passwords:
    """Makes hashes and compares with them. Each call takes tens of milliseconds and 64 MiB: never
    on the event loop.
    """

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        """Use RFC 9106's parameters for machines with little memory, unless others are given."""
        self._hasher = hasher or argon2.PasswordHasher()
        self._nobodys = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """Return a hash with a salt of its own."""
        return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the hash is that of the password; without one (there is no such user) as much
        time passes, so that nobody learns which names exist.
        """
        if len(password) > LONGEST or not is_text(password):
            return False
        try:
            matches = self._hasher.verify(self._nobodys if stored is None else stored, password)
        except (VerificationError, InvalidHashError):
            return False
        return matches and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(stored)
