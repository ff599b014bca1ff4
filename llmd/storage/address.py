"""Where the database is: a file of one's own, or `database.url`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from llmd.errors import ConfigInvalid

_HINT = (
    "It must be empty (llmd's own SQLite file), sqlite:////ABSOLUTE/PATH, "
    "or postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
)
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


def parse(place: str | Path) -> URL:
    """Return the address of a file or of a URL; raise ConfigInvalid naming `database.url`."""
    if isinstance(place, Path):
        return URL.create("sqlite+aiosqlite", database=str(place.absolute()))
    try:
        url = make_url(place)
    except (ArgumentError, ValueError) as error:
        raise _invalid("is no URL of a database") from error
    if url.drivername not in _DRIVERS:
        raise _invalid(f"names {url.drivername}, which llmd cannot use")
    url = url.set(drivername=_DRIVERS[url.drivername])
    return _server(url) if url.drivername == "postgresql+asyncpg" else _file(url)


def _file(url: URL) -> URL:
    if not url.database or url.database.startswith((":memory:", "file:")):
        raise _invalid("names no file")
    return parse(Path(url.database).expanduser())


def _server(url: URL) -> URL:
    if find_spec("asyncpg") is None:
        raise ConfigInvalid(
            "database.url names PostgreSQL, for which a driver is missing.",
            hint="Install llmd with its extra: pip install 'llmd[postgres]'.",
            param="database.url",
        )
    if "sslmode" not in url.query:
        return url
    # libpq's name for what asyncpg calls ssl
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": url.query["sslmode"]})


def _invalid(what: str) -> ConfigInvalid:
    # the value itself may hold a password
    return ConfigInvalid(f"database.url {what}.", hint=_HINT, param="database.url")


def shown(url: URL) -> str:
    """Return the address as people may read it: the file, or the URL without its password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.render_as_string(hide_password=True)
