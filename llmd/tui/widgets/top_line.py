"""The first line: tabs, and how the daemon is."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from llmd.errors import LlmdError
from llmd.protocol import amounts
from llmd.protocol.feed import Snapshot


class Tab(Static):
    """One tab; a click goes there."""

    DEFAULT_CSS = """
    Tab { width: auto; padding: 0 1; }
    Tab:hover { background: $primary 30%; }
    Tab.-current { background: $primary; color: $text; text-style: bold; }
    """

    def __init__(self, number: int, name: str) -> None:
        super().__init__(Content.assemble((str(number), "dim"), " ", name.capitalize()))
        self._target = name

    async def on_click(self) -> None:
        """Go there."""
        await self.run_action(f"app.show_page('{self._target}')")


class TopLine(Horizontal):
    """Tabs at the left, the daemon at the right."""

    DEFAULT_CSS = """
    TopLine { height: 1; background: $panel; }
    TopLine #tabs { width: auto; height: 1; }
    TopLine #standing {
        width: 1fr;
        height: 1;
        padding: 0 1;
        text-align: right;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = Content()

    def compose(self) -> ComposeResult:
        """Lay it out; tabs come with `show`."""
        yield Horizontal(id="tabs")
        yield Static(id="standing")

    def show(
        self,
        names: Sequence[str],
        current: str,
        snapshot: Snapshot | None,
        trouble: LlmdError | None,
    ) -> None:
        """Show the tabs and the state."""
        tabs = self.query_one("#tabs")
        if not tabs.children:
            made = [Tab(number, name) for number, name in enumerate(names, 1)]
            for tab, name in zip(made, names, strict=True):
                tab.set_class(name == current, "-current")
            tabs.mount_all(made)
        said = standing(snapshot, trouble)
        if said != self._said:
            self._said = said
            self.query_one("#standing", Static).update(said, layout=False)


def standing(snapshot: Snapshot | None, trouble: LlmdError | None) -> Content:
    """Return the daemon's state in a few words."""
    if trouble:
        return Content.assemble(("● ", "$error"), "no daemon")
    if snapshot is None:
        return Content.assemble(("○ ", "dim"), "connecting")
    status = snapshot.status
    if status.state == "draining":
        return Content.assemble(("● ", "$warning"), "stopping")
    up = amounts.duration(snapshot.at - status.started_at)
    return Content.assemble(("● ", "$success"), f"up {up}")
