from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import ModelBusy
from tests.fakes.interface import listen, offline


async def test_what_an_action_gives_is_told_and_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, given = listen(monkeypatch), []

    async def work() -> int:
        return 7

    app = offline(tmp_path)
    async with app.run_test():
        page = app.page
        assert page
        page.perform(work(), lambda number: f"[{number}] done", then=given.append)
        page.perform(work())
        await app.workers.wait_for_complete()
    assert told.notes == ["[7] done"]
    assert given == [7]


async def test_what_fails_is_told_with_its_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, given = listen(monkeypatch), []

    async def work() -> int:
        raise ModelBusy("m is answering 2 requests.", hint="Wait, or unload it first.")

    app = offline(tmp_path)
    async with app.run_test():
        assert app.page
        app.page.perform(work(), "done", then=given.append)
        await app.workers.wait_for_complete()
    assert told.errors == ["m is answering 2 requests.\nWait, or unload it first."]
    assert told.notes == given == []
