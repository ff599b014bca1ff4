"""The requests under way and the latest of those that ended: a table, a card, and cancelling."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Input, Static

from llmd.protocol.feed import Snapshot
from llmd.protocol.reports import RequestReport
from llmd.tui import request_rows
from llmd.tui.dialogs.confirm import Confirm
from llmd.tui.page import Page
from llmd.tui.widgets.details import Details
from llmd.tui.widgets.rows import Rows


class RequestsPage(Page):
    """What `llmd requests` shows, live."""

    TAB = "requests"
    CSS_PATH = "requests.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,delete", "cancel", "Cancel request"),
        Binding("d", "details", "Details"),
        Binding("l", "live_only", "Live only"),
        Binding("slash", "search", "Filter"),
        Binding("escape", "leave_search", "Back to the table", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown: dict[str, RequestReport] = {}
        self._live_only = False
        self._counted = ""

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Input(placeholder="model, client, state ...", id="request-filter", compact=True)
        with Horizontal(id="requests"):
            yield Rows(request_rows.COLUMNS, id="request-table")
            with VerticalScroll(id="request-card", can_focus=False):
                yield Details(id="request-facts")
        yield Static(id="request-count")

    def on_mount(self) -> None:
        """Show the table first."""
        self.query_one("#request-filter").display = False
        self._table.focus()

    @property
    def _table(self) -> Rows:
        return self.query_one("#request-table", Rows)

    @property
    def _words(self) -> str:
        return self.query_one("#request-filter", Input).value

    def take(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        listed = request_rows.listed(snapshot.requests, live_only=self._live_only, text=self._words)
        self._shown = {str(one.id): one for one in listed}
        table = self._table
        at_top = table.cursor_row == 0
        table.fill([request_rows.row(one) for one in listed])
        if at_top:
            # somebody who chose none watches the oldest one under way
            table.move_cursor(row=0, animate=False)
        count = self._count(snapshot)
        if count != self._counted:
            self._counted = count
            self.query_one("#request-count", Static).update(Content(count), layout=False)
        self._show_card()

    def _count(self, snapshot: Snapshot) -> str:
        live, ended = len(snapshot.requests.live), len(snapshot.requests.ended)
        if not live + ended:
            return "Nothing was asked yet: 3 to chat, or llmd run in a shell."
        shown = len(self._shown)
        some = f"{shown} shown of " if shown < live + ended else ""
        return f"{some}{live} under way, {ended} ended"

    def _show_card(self) -> None:
        request = self._shown.get(self._table.key or "")
        self.query_one(Details).fill(request_rows.card(request) if request else ())

    @on(Rows.Chosen)
    def _move(self) -> None:
        self._show_card()

    @on(Input.Changed, "#request-filter")
    def _filter(self) -> None:
        self.refresh_standing()

    @on(Input.Submitted, "#request-filter")
    def _filtered(self) -> None:
        self._table.focus()

    @on(DataTable.RowSelected)
    def action_details(self) -> None:
        """Show or hide the card."""
        card = self.query_one("#request-card")
        # it is hidden at first where there is little width, and shown where there is more
        card.toggle_class("-other")

    def action_live_only(self) -> None:
        """Show what is under way alone, or all."""
        self._live_only = not self._live_only
        self.refresh_standing()

    def action_search(self) -> None:
        """Filter by words."""
        box = self.query_one("#request-filter", Input)
        box.display = True
        box.focus()

    def action_leave_search(self) -> None:
        """Forget the filter."""
        box = self.query_one("#request-filter", Input)
        box.value = ""
        box.display = False
        self._table.focus()

    def action_cancel(self) -> None:
        """Ask, then cancel the chosen request."""
        request = self._shown.get(self._table.key or "")
        if request is None or request.state not in request_rows.LIVE:
            self.notify("Choose a request that is under way.", severity="warning")
            return
        number, client = request.id, request_rows.printable(request.client)
        question = Confirm(
            f"Cancel request {number}?", f"{client} gets an error instead of the rest."
        )

        def cancel(sure: bool | None) -> None:  # noqa: FBT001  what a dialog ends with
            if sure:
                order = self.client.post("/control/requests/cancel", {"id": number})
                self.perform(order, f"Request {number} is cancelled.")

        self.app.push_screen(question, cancel)
