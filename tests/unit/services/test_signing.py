from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from llmd.errors import ConfigInvalid, Unauthorized
from llmd.security.claims import Claims, TokenKind
from llmd.services.signing import Signing

CLAIMS = Claims(kind=TokenKind.ACCESS, user="u", family="f", id="j", issued_at=0, expires_at=100)


async def test_the_secret_is_made_when_it_is_needed_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    signing = Signing(path)
    assert not path.exists()
    tokens = await asyncio.gather(*(signing.sign(CLAIMS) for _ in range(5)))
    assert path.exists()
    # another start of the daemon
    assert await Signing(path).read(tokens[0], TokenKind.ACCESS, 50) == CLAIMS


async def test_tokens_of_another_installation_do_not_count(tmp_path: Path) -> None:
    token = await Signing(tmp_path / "one").sign(CLAIMS)
    with pytest.raises(Unauthorized):
        await Signing(tmp_path / "other").read(token, TokenKind.ACCESS, 50)


async def test_a_secret_that_cannot_be_had_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigInvalid, match="secret"):
        await Signing(tmp_path / "file" / "secret").sign(CLAIMS)


async def test_stamps_are_of_one_installation_and_last_over_its_restarts(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    made = await Signing(path).stamp("visit")
    assert await Signing(path).stamped("visit", made)
    assert not await Signing(path).stamped("another", made)
    assert not await Signing(tmp_path / "other").stamped("visit", made)


async def test_without_a_secret_there_are_no_stamps(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    signing = Signing(tmp_path / "file" / "secret")
    with pytest.raises(ConfigInvalid, match="secret"):
        await signing.stamp("visit")
    with pytest.raises(ConfigInvalid, match="secret"):
        await signing.stamped("visit", "x")
