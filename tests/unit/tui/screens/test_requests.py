from __future__ import annotations

from pathlib import Path

import pytest

from llmd.protocol.reports import RequestList
from llmd.tui.app import LlmdApp
from llmd.tui.dialogs.confirm import Confirm
from llmd.tui.widgets.details import Details
from llmd.tui.widgets.rows import Rows
from tests.fakes.interface import listen, offline
from tests.fakes.snapshots import REQUESTS, request, snapshot


@pytest.fixture
def app(tmp_path: Path) -> LlmdApp:
    return offline(tmp_path, page="requests")


def table(app: LlmdApp) -> Rows:
    return app.screen.query_one(Rows)


def count(app: LlmdApp) -> str:
    return str(app.screen.query_one("#request-count").render())


async def test_the_card_follows_the_cursor_which_stays_with_its_request(app: LlmdApp) -> None:
    async with app.run_test(size=(160, 40)) as pilot:
        app.arrived(snapshot())
        await pilot.press("down", "down")
        await pilot.pause()
        assert table(app).key == "14"
        assert "张伟" in str(app.screen.query_one(Details).render())
        fresh = RequestList([request(15), *REQUESTS.live], REQUESTS.ended)
        app.arrived(snapshot(requests=fresh))
        await pilot.pause()
        assert table(app).key == "14"


async def test_words_and_a_key_choose_among_them(app: LlmdApp) -> None:
    async with app.run_test(size=(160, 40)) as pilot:
        app.arrived(snapshot())
        await pilot.press("slash", *"ann", "enter")
        await pilot.pause()
        assert table(app).row_count == 4
        assert count(app) == "4 shown of 3 under way, 3 ended"
        assert table(app).has_focus
        await pilot.press("l")
        await pilot.pause()
        assert table(app).row_count == 1
        await pilot.press("escape", "l")
        await pilot.pause()
        assert table(app).row_count == 6


async def test_where_there_is_little_width_the_card_comes_when_asked_for(app: LlmdApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        card = app.screen.query_one("#request-card")
        app.arrived(snapshot())
        await pilot.pause()
        assert not card.display
        await pilot.press("enter")
        await pilot.pause()
        assert card.display
        await pilot.resize_terminal(160, 40)
        await pilot.press("d")
        await pilot.pause()
        assert card.display


async def test_what_has_ended_cannot_be_cancelled(
    app: LlmdApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = listen(monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        app.arrived(snapshot(requests=RequestList([], REQUESTS.ended)))
        await pilot.press("x")
        assert told.notes == ["Choose a request that is under way."]


async def test_cancelling_is_asked_about_and_can_be_left(app: LlmdApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.arrived(snapshot())
        await pilot.press("x")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        await pilot.press("n")
        await pilot.pause()
        assert app.page is app.screen


async def test_who_chose_none_watches_the_oldest_one_under_way(app: LlmdApp) -> None:
    async with app.run_test(size=(160, 40)) as pilot:
        for live in (REQUESTS.live, REQUESTS.live[1:]):
            app.arrived(snapshot(requests=RequestList(live, REQUESTS.ended)))
            await pilot.pause()
            assert table(app).key == str(live[0].id)
