"""A fake daemon on a socket of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.daemon import FakeDaemon, short_socket


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A path nobody listens on."""
    with short_socket() as path:
        yield path


@pytest.fixture
def daemon(socket_path: Path) -> Iterator[FakeDaemon]:
    """A daemon that answers."""
    with FakeDaemon(socket_path) as daemon:
        yield daemon
