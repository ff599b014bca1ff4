from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import structlog

from llmd.config.settings import LogLevel, LogSettings
from llmd.config.values import Size
from llmd.telemetry.logs import start_logging


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_writes_json_lines_with_level_logger_and_time(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "daemon.log"
    stop = start_logging(file, LogSettings(), foreground=False)
    structlog.get_logger("pool").info("loaded", model="模型", seconds=1.5)
    structlog.get_logger("pool").debug("hidden")
    logging.getLogger("aiohttp").warning("foreign %s", "line")
    stop()
    first, second = lines(file)
    assert first["event"] == "loaded"
    assert (first["logger"], first["level"], first["model"]) == ("pool", "info", "模型")
    assert "timestamp" in first
    assert (second["event"], second["level"]) == ("foreign line", "warning")


def test_an_exception_is_written_with_its_traceback(tmp_path: Path) -> None:
    file = tmp_path / "daemon.log"
    stop = start_logging(file, LogSettings(), foreground=False)
    try:
        int("broken")
    except ValueError as error:
        structlog.get_logger("http").error("bug", exc_info=error)
    stop()
    assert "ValueError: invalid literal" in str(lines(file)[0]["exception"])


def test_rotates_at_the_configured_size(tmp_path: Path) -> None:
    file = tmp_path / "daemon.log"
    stop = start_logging(file, LogSettings(max_size=Size(2000), backups=2), foreground=False)
    for number in range(100):
        structlog.get_logger("x").info("line", number=number)
    stop()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "daemon.log",
        "daemon.log.1",
        "daemon.log.2",
    ]


def test_without_backups_the_one_file_does_not_outgrow_its_size(tmp_path: Path) -> None:
    file = tmp_path / "daemon.log"
    stop = start_logging(file, LogSettings(max_size=Size(2000), backups=0), foreground=False)
    for number in range(100):
        structlog.get_logger("x").info("line", number=number)
    stop()
    assert [path.name for path in tmp_path.iterdir()] == ["daemon.log"]
    assert file.stat().st_size <= 2000
    assert lines(file)[-1]["number"] == 99


def test_the_foreground_shows_readable_lines(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stop = start_logging(tmp_path / "d.log", LogSettings(level=LogLevel.WARNING), foreground=True)
    structlog.get_logger("x").info("hidden")
    structlog.get_logger("x").warning("shown", answer=42)
    stop()
    shown = capfd.readouterr().err
    assert "shown" in shown
    assert "answer=42" in shown
    assert "hidden" not in shown
