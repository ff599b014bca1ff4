"""Says across the page that the daemon is away, and what can be done."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from llmd.errors import LlmdError


class Banner(Static):
    """Hidden while all is well; a click starts the daemon."""

    DEFAULT_CSS = """
    Banner {
        display: none;
        height: auto;
        padding: 0 1;
        background: $warning;
        color: $text;
        text-style: bold;
    }
    Banner.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = ""

    def show(self, trouble: LlmdError | None, attempt: int, *, starting: bool = False) -> None:
        """Tell of what went wrong; None: nothing did."""
        self.set_class(trouble is not None, "-shown")
        said = words(trouble, attempt, starting=starting) if trouble else ""
        if said != self._said:
            self._said = said
            self.update(Content(said))

    async def on_click(self) -> None:
        """Start the daemon."""
        await self.run_action("app.start_daemon")


_SILENT = 2
"""Attempts that are made before somebody is asked to do something."""


def words(trouble: LlmdError, attempt: int, *, starting: bool = False) -> str:
    """Return the banner's text; `attempt` is the number of the next one."""
    if starting:
        return "Starting the daemon ..."
    if attempt <= _SILENT:
        return "The daemon went away: reconnecting ..."
    return f"{trouble.message} Press s to start it; reconnecting meanwhile."
