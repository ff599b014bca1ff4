from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.fakes.snapshots import EMPTY
from tests.tui.conftest import SIZES, Picture

LEVELS = ("info", "debug", "warning", "error")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of forty lines."""
    file = tmp_path / "state" / "logs" / "daemon.log"
    file.parent.mkdir(parents=True)
    lines = [
        {
            "timestamp": f"2026-11-21T16:10:{number:02}.000Z",
            "level": LEVELS[number % len(LEVELS)],
            "logger": "http" if number % 3 else "pool",
            "event": "request" if number % 3 else "模型已加载",
            "path": "/v1/chat/completions",
            "request": f"{number:032x}",
            "ms": number * 17.5,
        }
        for number in range(40)
    ]
    lines.append({"level": "error", "event": "bug", "exception": "Traceback\n  somewhere"})
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return file


@pytest.mark.parametrize("size", SIZES)
def test_the_log_looks_as_it_did(picture: Picture, size: str, log: Path) -> None:
    assert picture("logs", size, EMPTY)


async def wrapped(pilot: Pilot[None]) -> None:
    """Wrap, and show warnings with a word."""
    await pilot.press("w", "v", "v", "slash", *"pool", "enter")


def test_a_filtered_log_may_be_wrapped(picture: Picture, log: Path) -> None:
    assert picture("logs", "small", EMPTY, wrapped)


def test_no_log_is_said(picture: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    # the path is another one with each run
    monkeypatch.setattr("llmd.tui.screens.logs.LogsPage._where", property(lambda _: "daemon.log"))
    assert picture("logs", "small", EMPTY)
