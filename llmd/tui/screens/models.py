"""The page of models: what is here and what could be, and everything that is done with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from llmd.errors import LlmdError
from llmd.protocol.catalog import Offers
from llmd.protocol.feed import Snapshot
from llmd.protocol.models import ModelManifest
from llmd.tui import facts, finding, stock
from llmd.tui.finding import Wanted
from llmd.tui.jobs import Job, Jobs, Stage, foreign
from llmd.tui.screens.model_actions import ModelActions
from llmd.tui.stock import Item
from llmd.tui.widgets.details import Details
from llmd.tui.widgets.job_list import JobLine, JobList
from llmd.tui.widgets.rows import Rows

_PAUSE = 0.15
"""Seconds that the cursor rests on a model before the daemon is asked about it."""


class ModelsPage(ModelActions):
    """One table of all models, details beside it, and below it what goes on."""

    TAB = "models"
    CSS_PATH = "models.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/"),
        Binding("k", "sort", "Next kind", show=False),
        Binding("f", "fitting", "What fits", show=False),
        Binding("r", "reload", "Read again", show=False),
        Binding("escape", "calm", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._models: list[ModelManifest] = []
        self._offers: Offers = Offers(models=[])
        self._defaults: dict[str, str] = {}
        self._items: dict[str, Item] = {}
        self._wanted = Wanted()
        self._standing: tuple[object, ...] = ()
        self._card: dict[str, Any] | None = None
        self._plan: dict[str, Any] | None = None
        self._snapshot: Snapshot | None = None
        self._offered: Item | None = None
        """The model as it was when the footer was drawn."""

    def body(self) -> ComposeResult:
        """Lay the page out."""
        with Horizontal(id="search-line"):
            yield Input(
                placeholder="Search: names, abilities, tags, licences, <4GB ...",
                id="search",
                compact=True,
                select_on_focus=False,
            )
            yield Static(id="sort", markup=False)
        with Horizontal(id="split"):
            yield Rows(stock.COLUMNS, id="models")
            yield Static(id="empty", markup=False)
            with VerticalScroll(id="pane", can_focus=True):
                yield Details(id="details")
        yield JobList(id="jobs")

    def on_mount(self) -> None:
        """Begin in the table."""
        self.jobs = Jobs(self.client, self._spawn, self._jobs_changed, self._job_ended)
        self.query_one(Rows).focus()
        self._show_sort()

    @property
    def item(self) -> Item | None:
        """The model under the cursor."""
        key = self.query_one("#models", Rows).key if self.whole else None
        return self._items.get(key or "")

    def take(self, snapshot: Snapshot) -> None:
        """Show what is loaded; read the lists again when what there is may have changed."""
        standing = (
            snapshot.status.pid,
            {event.name for event in snapshot.downloads},
            {event.name for event in snapshot.quantizations},
        )
        self._snapshot = snapshot
        if standing != self._standing:
            before, self._standing = self._standing, standing
            self.action_reload()
            if before and before[0] != standing[0]:
                self.jobs.recover()
        self.draw()

    async def read(self) -> None:
        """Ask what is here, what could be, and which are the defaults."""
        models, offers, defaults = await asyncio.gather(
            self.client.get("/control/models"),
            self.client.get("/control/catalog"),
            self.client.get("/control/defaults"),
        )
        self._models = msgspec.convert(models["models"], list[ModelManifest])
        self._offers = msgspec.convert(offers, Offers)
        self._defaults = {
            entry["purpose"]: entry["model"] for entry in defaults["defaults"] if entry["model"]
        }

    def show_lists(self) -> None:
        """Show them, and what is known of the one under the cursor."""
        self.draw()
        self._ask()

    def draw(self) -> None:
        """Show everything as it is now."""
        loaded = self._snapshot.models if self._snapshot and not self.llmd.trouble else []
        jobs = self._all_jobs()
        items = stock.items(self._models, self._offers.models, loaded, self._defaults, jobs)
        found = finding.find(items, self._wanted)
        rows = [stock.row(item) for item in found]
        self._items = {row.key: item for row, item in zip(rows, found, strict=True)}
        self.query_one("#models", Rows).fill(rows)
        self._show_empty(shown=not rows)
        self.query_one("#jobs", JobList).fill(jobs)
        self._show_details()
        if (item := self.item) and item != self._offered:
            self._offered = item
            self.refresh_bindings()

    def _all_jobs(self) -> list[Job]:
        own = self.jobs.list()
        if self._snapshot is None or self.llmd.trouble:
            return own
        return own + foreign(self._snapshot.downloads, self._snapshot.quantizations, own)

    def _show_empty(self, *, shown: bool) -> None:
        empty, table = self.query_one("#empty", Static), self.query_one("#models")
        back = not table.display and not shown
        empty.display, table.display = shown, not shown
        if back and not self.query_one("#search").has_focus:
            table.focus()  # hidden, it lost it to what stands beside it
        if shown:
            empty.update(
                "Nothing has these words. Press escape to see everything, or g to pull a model "
                "by any name: OWNER/REPO of the hub, ollama://NAME, the address of a GGUF file."
                if self.known
                else "Asking the daemon what there is ..."
            )

    def _show_details(self) -> None:
        item = self.item
        lines = facts.about(item, self._card, self._plan) if item else []
        self.query_one("#details", Details).fill(lines)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Tell of another model."""
        event.stop()
        self._card = self._plan = None
        self._show_details()
        self.query_one("#pane").scroll_home(animate=False)
        self.refresh_bindings()
        self._ask()

    def _ask(self) -> None:
        if item := self.item:
            work: Callable[[], Awaitable[None]] = partial(self._describe, item)
            self.run_worker(work, group="details", exclusive=True)

    async def _describe(self, item: Item) -> None:
        await asyncio.sleep(_PAUSE)
        try:
            plan = await self.client.post("/control/plan", {"model": item.name})
            card = None
            if item.manifest:
                card = await self.client.get(f"/control/models/{quote(item.name, safe='')}")
        except LlmdError:
            # what is known of it stands there already; actions say what is wrong
            return
        self._card, self._plan = card, plan
        if self.whole:
            self._show_details()

    def _spawn(self, work: Any) -> None:
        self.app.run_worker(work, group="jobs")

    def _jobs_changed(self) -> None:
        if self.whole:
            self.draw()

    def _job_ended(self, job: Job) -> None:
        if job.stage is Stage.DONE:
            self.app.notify(f"{job.made or job.order.title} is ready.", markup=False)
            self.jobs.dismiss(job.number)
        elif job.stage is Stage.FAILED and job.error:
            self.tell(job.error)
        if self.whole and not self.llmd.trouble:
            self.action_reload()

    def on_job_line_turned(self, event: JobLine.Turned) -> None:
        """Leave a job or go on with it."""
        if event.job.live:
            self.jobs.cancel(event.job.number)
        else:
            self.jobs.resume(event.job.number)

    def on_job_line_dismissed(self, event: JobLine.Dismissed) -> None:
        """Take a job from the list."""
        self.jobs.dismiss(event.job.number)

    def on_data_table_row_selected(self) -> None:
        """Load what is here, fetch what is not."""
        if item := self.item:
            if item.manifest:
                self.action_load()
            else:
                self.action_pull()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search."""
        self._want(words=event.value)
        self.query_one("#models", Rows).move_cursor(row=0)

    def on_input_submitted(self) -> None:
        """Go to what was found."""
        self.query_one("#models").focus()

    def on_key(self, event: Any) -> None:
        """Go from the search to the table."""
        if event.key == "down" and self.query_one("#search").has_focus:
            event.stop()
            self.query_one("#models").focus()

    def on_click(self, event: Any) -> None:
        """Take a click on what is shown."""
        if getattr(event.widget, "id", None) == "sort":
            self.action_sort()

    def action_search(self) -> None:
        """Go to the search."""
        self.query_one("#search").focus()

    def action_calm(self) -> None:
        """Show everything again, and go to the table."""
        self.query_one("#search", Input).value = ""
        self._want(words="", sort=finding.Sort.ALL, fitting=False)
        self.query_one("#models").focus()

    def action_sort(self) -> None:
        """Show the next kind."""
        self._want(sort=self._wanted.sort.next)

    def action_fitting(self) -> None:
        """Show only what fits, or everything."""
        self._want(fitting=not self._wanted.fitting)

    def _want(self, **changes: Any) -> None:
        self._wanted = msgspec.structs.replace(self._wanted, **changes)
        self._show_sort()
        self.draw()

    def _show_sort(self) -> None:
        fits = "what fits" if self._wanted.fitting else "any size"
        shown = Content.assemble(("k ", "bold"), f"{self._wanted.sort}  ", ("f ", "bold"), fits)
        self.query_one("#sort", Static).update(shown)
