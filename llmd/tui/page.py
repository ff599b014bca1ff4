"""What all pages share: the line on top, the banner, the footer, snapshots, and how actions run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.worker import Worker

from llmd.client.asynchronous import AsyncClient
from llmd.errors import LlmdError
from llmd.protocol.feed import Snapshot
from llmd.tui.dialogs.dialog import Dialog
from llmd.tui.interface import Interface
from llmd.tui.widgets.banner import Banner
from llmd.tui.widgets.footer import KeyLine
from llmd.tui.widgets.top_line import TopLine

T = TypeVar("T")


class Page(Screen[None]):
    """One tab. Subclasses give `body` and take snapshots; their BINDINGS with a description show
    in the footer and in the command palette.
    """

    TAB: ClassVar[str] = ""
    """Name of its tab, as the top line shows it."""
    BINDINGS: ClassVar[list[BindingType]] = []

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        yield TopLine()
        yield Banner()
        yield from self.body()
        yield KeyLine()

    def body(self) -> ComposeResult:
        """Yield what is between banner and footer."""
        yield from ()

    def take(self, snapshot: Snapshot) -> None:
        """Show a snapshot; called while the page is shown, once a second and when it comes up."""

    def lose(self, error: LlmdError) -> None:
        """Hear that the daemon went away; the banner says so already."""

    @property
    def llmd(self) -> Interface:
        """The application."""
        return cast("Interface", self.app)

    @property
    def client(self) -> AsyncClient:
        """The daemon."""
        return self.llmd.client

    @property
    def ending(self) -> bool:
        """Whether the program ends: parts of the page go one by one while work in the background
        comes to its end.
        """
        return not self.app.is_running

    @property
    def whole(self) -> bool:
        """Whether its parts are there: a page that is just going has lost them already."""
        return (
            not self.ending
            and self.is_mounted
            and bool(self.query(TopLine))
            and bool(self.query(KeyLine))
        )

    def on_screen_resume(self) -> None:
        """Show what came while another page was shown."""
        self.refresh_standing()

    def refresh_standing(self) -> None:
        """Show how the daemon stands."""
        if not self.whole:
            return
        app = self.llmd
        self.query_one(TopLine).show(app.page_names, self.TAB, app.snapshot, app.trouble)
        self.set_class(app.trouble is not None, "-stale")
        self.query_one(Banner).show(app.trouble, app.attempt, starting=app.starting)
        if app.snapshot and not app.trouble:
            self.take(app.snapshot)

    def perform(
        self,
        work: Awaitable[T],
        said: str | Callable[[T], str] = "",
        *,
        then: Callable[[T], None] | None = None,
        group: str = "actions",
    ) -> Worker[None]:
        """Do something in the background: an LlmdError becomes a notification with its hint, `said`
        one of success, and `then` gets the result.
        """
        return self.run_worker(self._perform(work, said, then), group=group, exit_on_error=True)

    async def _perform(
        self, work: Awaitable[T], said: str | Callable[[T], str], then: Callable[[T], None] | None
    ) -> None:
        try:
            result = await work
        except LlmdError as error:
            self.tell(error)
            return
        text = said if isinstance(said, str) else said(result)
        if text:
            self.notify(text, markup=False)
        if then and not self.ending:
            then(result)

    def ask(self, dialog: Dialog[T], then: Callable[[T], None]) -> None:
        """Show a dialog, and go on with what it ends with unless it is left."""

        def answered(found: T | None) -> None:
            if found is not None:
                then(found)

        self.app.push_screen(dialog, answered)

    def tell(self, error: LlmdError) -> None:
        """Show an error: what happened, and what to do."""
        text = f"{error.message}\n{error.hint}".strip()
        self.notify(text, severity="error", timeout=8, markup=False)


class ListPage(Page):
    """A page of lists that the daemon has: read when it comes up, and when something changed."""

    known = False
    """Whether the lists were read."""

    def on_screen_resume(self) -> None:
        """Read the lists again: other programs change them too."""
        super().on_screen_resume()
        if self.known and not self.llmd.trouble:
            self.action_reload()

    def action_reload(self) -> None:
        """Ask what there is."""
        work: Callable[[], Awaitable[None]] = self._reload
        self.run_worker(work, group="reload", exclusive=True)

    async def read(self) -> None:
        """Ask for the lists; raise LlmdError."""

    def show_lists(self) -> None:
        """Show what was read."""

    async def _reload(self) -> None:
        try:
            await self.read()
        except LlmdError as error:
            if not self.llmd.trouble:
                self.tell(error)
            return
        self.known = True
        if self.whole:
            self.show_lists()
