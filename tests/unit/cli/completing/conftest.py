"""What the tests of completion share."""

from __future__ import annotations

import pytest

from llmd.cli.completing import names


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the fake daemon time: it is a thread of this process, on a machine that may be busy."""
    monkeypatch.setattr(names, "PATIENCE", 30.0)
