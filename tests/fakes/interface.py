"""The terminal interface without a daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmd.config.paths import Paths
from llmd.tui.app import LlmdApp


class Told:
    """What an interface told in notifications."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.errors: list[str] = []

    def take(self, text: str, severity: str) -> None:
        (self.errors if severity == "error" else self.notes).append(text)


def offline(home: Path, page: str = "dashboard") -> LlmdApp:
    """An interface that gets its snapshots from a test."""
    paths = Paths(home, home, home / "state", home / "cache", home / "socket")
    return LlmdApp(paths, page=page, follow=False)


def listen(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Collect notifications from now on."""
    told = Told()

    def notify(_self: LlmdApp, message: str, *, severity: str = "information", **_: Any) -> None:
        told.take(message, severity)

    monkeypatch.setattr(LlmdApp, "notify", notify)
    return told
