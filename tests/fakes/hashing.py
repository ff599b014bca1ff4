"""Password hashes that take no time, made as the real ones are."""

from __future__ import annotations

from argon2 import PasswordHasher

from llmd.security.passwords import Passwords
from llmd.services.hashing import Hashing


def quick_passwords(rounds: int = 1) -> Passwords:
    """Return argon2id with the least memory there may be."""
    return Passwords(PasswordHasher(time_cost=rounds, memory_cost=8, parallelism=1))


def quick_hashing() -> Hashing:
    """Return hashing that tests can afford."""
    return Hashing(quick_passwords)
