from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import ConfigInvalid
from llmd.storage import address
from llmd.storage.address import parse, shown


def test_a_path_is_a_file_whatever_characters_it_has(tmp_path: Path) -> None:
    odd = tmp_path / "a?b=c#d %20 数据.db"
    assert parse(odd).database == str(odd)
    assert shown(parse(odd)) == str(odd)


def test_sqlite_urls_name_absolute_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse("sqlite:////var/x.db").database == "/var/x.db"
    assert parse("sqlite+aiosqlite:///~/x.db").database == str(tmp_path / "x.db")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_servers_go_by_several_names(scheme: str) -> None:
    url = parse(f"{scheme}://me:se%40cret@db:5433/llmd?sslmode=require")
    assert url.drivername == "postgresql+asyncpg"
    assert (url.host, url.port, url.password, url.database) == ("db", 5433, "se@cret", "llmd")
    assert dict(url.query) == {"ssl": "require"}


def test_the_password_is_never_shown() -> None:
    text = shown(parse("postgresql://me:se%40cret@db/llmd"))
    assert "se" not in text.replace("postgresql", "")
    assert "me" in text


@pytest.mark.parametrize(
    "place",
    [
        "mysql://u:secret@h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?uri=true",
        "no url",
        "postgresql://u:secret@h:port/d",
    ],
)
def test_other_places_are_refused_without_repeating_them(place: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse(place)
    assert caught.value.param == "database.url"
    assert "secret" not in str(caught.value)


def test_a_missing_driver_is_said_to_be_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "find_spec", lambda _name: None)
    with pytest.raises(ConfigInvalid, match=r"llmd\[postgres\]"):
        parse("postgresql://u@h/d")
