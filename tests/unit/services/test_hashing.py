from __future__ import annotations

import asyncio
import threading
import time

import pytest

from llmd.errors import RateLimited
from llmd.security.passwords import Passwords
from llmd.services.hashing import Hashing
from tests.fakes.hashing import quick_hashing, quick_passwords


async def test_a_password_is_hashed_and_verified() -> None:
    hashing = quick_hashing()
    stored = await hashing.hash("password")
    assert await hashing.verify(stored, "password") == (True, None)
    assert await hashing.verify(stored, "other") == (False, None)
    assert await hashing.verify(None, "password") == (False, None)


async def test_an_outdated_hash_is_made_anew_by_a_right_password_only() -> None:
    stored = quick_passwords(1).hash("password")
    stronger = Hashing(lambda: quick_passwords(2))
    right, better = await stronger.verify(stored, "password")
    assert right
    assert better is not None
    assert quick_passwords(2).verify(better, "password")
    assert await stronger.verify(stored, "other") == (False, None)


class Slow(Passwords):
    """Counts how many hash at the same time."""

    now = most = 0
    lock = threading.Lock()

    def __init__(self) -> None:
        self.__dict__.update(quick_passwords().__dict__)

    def hash(self, password: str) -> str:
        with self.lock:
            Slow.now += 1
            Slow.most = max(Slow.most, Slow.now)
        time.sleep(0.01)
        with self.lock:
            Slow.now -= 1
        return "hash"


async def test_two_hash_at_a_time_and_a_crowd_is_sent_away() -> None:
    hashing = Hashing(Slow)
    results = await asyncio.gather(*(hashing.hash("x") for _ in range(100)), return_exceptions=True)
    refused = [found for found in results if isinstance(found, RateLimited)]
    assert len(results) - len(refused) == 32
    assert refused[0].retry_after
    assert Slow.most == 2
    assert await hashing.hash("x") == "hash"


async def test_the_event_loop_goes_on_meanwhile() -> None:
    ticks = 0
    hashing = Hashing()
    working = asyncio.ensure_future(hashing.hash("password"))
    while not working.done():
        ticks += 1
        await asyncio.sleep(0)
    assert ticks > 10
    assert (await working).startswith("$argon2id$")


@pytest.mark.parametrize("stored", [None, "rubbish"])
async def test_unknown_users_take_the_same_way(stored: str | None) -> None:
    assert await quick_hashing().verify(stored, "password") == (False, None)
