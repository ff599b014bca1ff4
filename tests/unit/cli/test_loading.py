from __future__ import annotations

from collections.abc import Callable

from llmd.cli.loading import show_loading
from llmd.client.client import Client
from tests.fakes.daemon import FakeDaemon


def test_on_a_terminal_the_model_is_loaded_in_sight(
    daemon: FakeDaemon, pretend_terminal: Callable[[], None]
) -> None:
    pretend_terminal()
    show_loading(Client(daemon.path), "m")
    assert daemon.body("/control/load") == {"model": "m"}


def test_elsewhere_the_request_itself_loads_it(daemon: FakeDaemon) -> None:
    show_loading(Client(daemon.path), "m")
    assert daemon.asked == []
