from __future__ import annotations

from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.content import Content

from llmd.tui.widgets.panel import Panel


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield Panel("Machine")


async def test_it_draws_for_its_width_and_is_as_high_as_it_has_lines() -> None:
    widths: list[int] = []

    def draw(width: int) -> Sequence[Content]:
        widths.append(width)
        return [Content("x" * width)] * (3 if width > 50 else 5)

    app = Shown()
    async with app.run_test(size=(60, 20)) as pilot:
        panel = app.query_one(Panel)
        assert str(panel.border_title) == "Machine"
        panel.show(draw)
        await pilot.pause()
        assert widths[-1] == panel.content_size.width == 56
        assert panel.size.height == 3
        await pilot.resize_terminal(40, 20)
        await pilot.pause()
        assert panel.content_size.width == 36
        assert panel.size.height == 5
        assert panel.render().plain == "\n".join(["x" * 36] * 5)


async def test_what_did_not_change_is_not_drawn_again() -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)) as pilot:
        panel = app.query_one(Panel)
        panel.show(lambda _: [Content("same")])
        await pilot.pause()
        drawn: list[bool] = []
        panel.refresh = lambda *_, **__: drawn.append(True) or panel  # type: ignore[method-assign,func-returns-value]
        panel.show(lambda _: [Content("same")])
        assert drawn == []
        panel.show(lambda _: [Content("other")])
        assert drawn == [True]
