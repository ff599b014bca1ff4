from __future__ import annotations

from tests.browser.conftest import Open
from tests.integration.conftest import Daemon


def test_the_first_page_opens_without_a_login(visit: Open, daemon: Daemon) -> None:
    page = visit(daemon.address)
    assert page.locator("main").count() == 1
