from __future__ import annotations

from textual.app import App, ComposeResult

from llmd.tui.cells import Cell, Column, Row, Tone
from llmd.tui.widgets.rows import Rows

COLUMNS = (
    Column(name="NAME", flexible=True, least=6),
    Column(name="SIZE", right=True),
    Column(name="WHY", rank=1),
)


def rows(*names: str, why: str = "because") -> list[Row]:
    return [Row(name, (Cell(name), Cell("1 GB"), Cell(why, Tone.GOOD))) for name in names]


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[str | None] = []

    def compose(self) -> ComposeResult:
        yield Rows(COLUMNS)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        assert event.control is self.query_one(Rows)
        self.chosen.append(event.key)


def headings(table: Rows) -> list[str]:
    return [str(column.label).strip() for column in table.ordered_columns]


async def test_the_cursor_stays_with_its_row_whatever_comes_before_it() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(Rows)
        table.fill(rows("a", "b", "c"))
        table.go("b")
        table.fill(rows("new", "a", "b", "c"))
        assert (table.key, table.cursor_row) == ("b", 2)
        await pilot.pause()
        assert app.chosen == ["a", "b"]


async def test_more_rows_than_there_is_room_for_bring_no_bar_below_them() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(Rows)
        for number in (3, 40):
            table.fill(rows(*(f"a-rather-long-name-{one}" for one in range(number))))
            await pilot.pause()
            assert table.show_vertical_scrollbar is (number == 40)
            assert not table.show_horizontal_scrollbar
            assert table.virtual_size.width <= table.scrollable_content_region.width


async def test_a_row_that_goes_leaves_the_cursor_where_it_was() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(Rows)
        table.fill(rows("a", "b", "c"))
        table.go("c")
        table.fill(rows("a", "b"))
        assert table.key == "b"
        table.fill([])
        assert table.key is None
        await pilot.pause()
        assert app.chosen[-1] is None


async def test_only_cells_that_changed_are_drawn_anew() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(Rows)
        table.fill(rows("a", "b"))
        drawn: list[object] = []
        table._draw = drawn.append
        table.fill(rows("a", "b", why="reasons"))
        table.fill(rows("a", "b", why="reasons"))
        assert drawn == []
        await pilot.pause()
        assert str(table.get_cell_at((1, 2))) == "reasons"


async def test_columns_leave_and_come_back_with_the_width() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(Rows)
        table.fill(rows("a-long-name-of-a-model"))
        await pilot.pause()
        assert headings(table) == ["NAME", "SIZE", "WHY"]
        await pilot.resize_terminal(18, 10)
        await pilot.pause()
        assert headings(table) == ["NAME", "SIZE"]
        assert str(table.get_cell_at((0, 0))).endswith("…")
        await pilot.resize_terminal(60, 10)
        await pilot.pause()
        assert headings(table) == ["NAME", "SIZE", "WHY"]


async def test_rows_that_came_before_there_was_room_show_and_the_cursor_finds_its_goal() -> None:
    class Hidden(Host):
        def on_mount(self) -> None:
            table = self.query_one(Rows)
            table.fill(rows("a", "b"))
            table.go("b")

    app = Hidden()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        table = app.query_one(Rows)
        assert table.row_count == 2
        assert table.key == "b"


async def test_names_are_no_markup_and_another_theme_colours_anew() -> None:
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(Rows)
        table.fill(rows("[red]owner/model[/]", "中文模型"))
        assert str(table.get_cell_at((0, 0))) == "[red]owner/model[/]"
        before = table.get_cell_at((0, 2)).style
        app.theme = "textual-light"
        await pilot.pause()
        assert table.get_cell_at((0, 2)).style != before
        assert table.key == "[red]owner/model[/]"
