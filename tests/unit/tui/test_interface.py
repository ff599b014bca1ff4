from __future__ import annotations

from pathlib import Path

from llmd.config.paths import Paths
from llmd.tui.interface import Interface


def test_at_first_nothing_is_known_of_the_daemon(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path, tmp_path, tmp_path, tmp_path / "socket")
    interface = Interface(paths, ("dashboard", "chat"))
    assert interface.page_names == ("dashboard", "chat")
    assert interface.snapshot is interface.trouble is None
    assert (interface.attempt, interface.starting) == (0, False)
