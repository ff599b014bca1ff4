"""Bytes on their way to the disk."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from llmd.models.sources.transfer import writeback
from llmd.models.sources.transfer.writeback import Writeback


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writeback, "_EVERY", 0.001)


def test_the_disk_gets_its_bytes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    with (tmp_path / "m").open("wb") as file:
        working = Writeback(file.fileno())
        while len(synced) < 2:
            time.sleep(0.001)
        working.close()
        working.check()
        assert set(synced) == {file.fileno()}


def test_what_the_disk_refused_is_told_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", refuse)
    with (tmp_path / "m").open("wb") as file:
        working = Writeback(file.fileno())
        working._thread.join()
        working.close()
    with pytest.raises(OSError, match="Input/output"):
        working.check()
