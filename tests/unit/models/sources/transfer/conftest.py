"""A file server that goes wrong, and transfers that do not wait long."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmd.models.sources.lines import Terms
from llmd.models.sources.report import Report
from llmd.models.sources.transfer import Remote, Transfer, patience
from tests.fakes.fileserver import FileServer, serving

PATH = "/models/m.gguf"


def noise(size: int) -> bytes:
    """Return bytes that begin like a GGUF."""
    return b"GGUF" + random.Random(7).randbytes(size - 4)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_DELAYS", (0.01, 0.01))
    monkeypatch.setattr(patience, "LATER_DELAYS", (0.01,) * 4)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def content() -> bytes:
    return noise(1_000_000)


@pytest.fixture
def site(content: bytes) -> Iterator[FileServer]:
    with serving(FileServer(files={PATH: content})) as site:
        yield site


@pytest.fixture
def remote(site: FileServer, content: bytes) -> Remote:
    """The file as a hub describes it: with its size and its digest."""
    return Remote(
        url=f"{site.url}{PATH}",
        name="m.gguf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


@pytest.fixture
def lines() -> io.BytesIO:
    return io.BytesIO()


@pytest.fixture
def transfer(lines: io.BytesIO, tmp_path: Path) -> Transfer:
    terms = Terms(connections=1, records=str(tmp_path / "records"))
    return Transfer(Report(lines), terms, "test")


@pytest.fixture
def impatient(lines: io.BytesIO) -> Transfer:
    """Return one that soon gives up a connection on which nothing comes."""
    return Transfer(Report(lines), Terms(stall_timeout=0.4, connections=1), "test")


@pytest.fixture
def said(lines: io.BytesIO) -> Callable[[], list[dict[str, Any]]]:
    """Return what was reported."""
    return lambda: [json.loads(line) for line in lines.getvalue().splitlines()]
