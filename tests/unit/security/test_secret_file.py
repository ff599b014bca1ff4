from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from llmd.errors import ConfigInvalid
from llmd.security.secret_file import load_secret


def test_a_secret_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "tokens.secret"
    secret = load_secret(path)
    assert len(secret) == 64
    assert load_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["tokens.secret"]


def test_two_that_make_it_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "tokens.secret"
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(load_secret(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 8


def test_a_secret_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "tokens.secret"
    path.write_bytes(b"x" * 64)
    path.chmod(0o644)
    assert load_secret(path) == b"x" * 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_that_others_may_write_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "tokens.secret"
    path.write_bytes(b"x" * 64)
    path.chmod(0o666)
    with pytest.raises(ConfigInvalid, match="may write"):
        load_secret(path)


def test_a_truncated_secret_is_refused_not_used(tmp_path: Path) -> None:
    path = tmp_path / "tokens.secret"
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(ConfigInvalid, match="too short"):
        load_secret(path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x" * 64)
    (tmp_path / "tokens.secret").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigInvalid, match="cannot be had"):
        load_secret(tmp_path / "tokens.secret")
