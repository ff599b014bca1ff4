"""The dashboard: the machine, what is loaded and how it does, what is under way."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import Static

from llmd.protocol.feed import Snapshot
from llmd.protocol.models import LoadedModel
from llmd.tui.lines import answers, machine, model, work
from llmd.tui.page import Page
from llmd.tui.widgets.panel import Panel

_EMPTY = """\
[b]No model is loaded.[/b]

Models load by themselves with the first request, and leave when they are idle.

  [b $text-accent]2[/]  pick a model: load one, or pull another
  [b $text-accent]3[/]  chat
  [$foreground 60%]or in a shell:[/]  llmd run "What is the capital of France?\""""


_CHARTS_FROM = 32
"""Height of the screen from which one model has charts."""


class DashboardPage(Page):
    """What `llmd top` shows."""

    TAB = "dashboard"
    CSS_PATH = "dashboard.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "unload", "Unload idle models"),
    ]

    def body(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(id="dashboard"):
            yield Panel("Machine", id="machine")
            yield Static(_EMPTY, id="no-models")
            yield Container(id="loaded")
            yield Panel("Under way", id="work")
            yield Panel("Requests", id="answers")

    def take(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        self.query_one("#machine", Panel).show(partial(machine.lines, snapshot))
        self.query_one("#no-models").display = not snapshot.models
        self._show_models(snapshot)
        underway = self.query_one("#work", Panel)
        underway.display = bool(
            snapshot.downloads or snapshot.quantizations or snapshot.deployments
        )
        underway.show(partial(work.lines, snapshot))
        live = self.query_one("#answers", Panel)
        live.display = bool(snapshot.requests.live)
        live.show(partial(answers.lines, snapshot))

    def _show_models(self, snapshot: Snapshot) -> None:
        place = self.query_one("#loaded", Container)
        place.display = bool(snapshot.models)
        place.set_class(len(snapshot.models) > 1, "-many")
        # charts where all of them find room
        tall = self.size.height >= _CHARTS_FROM * max(1, len(snapshot.models))
        panels = {panel.model: panel for panel in place.query(ModelPanel)}
        for loaded in snapshot.models:
            panel = panels.pop(loaded.name, None)
            if panel is None:
                panel = ModelPanel(loaded.name)
                place.mount(panel)
            panel.tell(loaded, snapshot, tall=tall)
        for gone in panels.values():
            gone.remove()

    def action_unload(self) -> None:
        """Unload what is idle."""
        snapshot = self.llmd.snapshot
        idle = [one.name for one in snapshot.models if not one.running] if snapshot else []
        if not idle:
            self.notify("No idle model is loaded.", severity="warning")
            return
        self.perform(self._unload(idle), lambda names: f"Unloaded {', '.join(names)}.")

    async def _unload(self, names: list[str]) -> list[str]:
        gone: list[str] = []
        for name in names:
            answer = await self.client.post("/control/unload", {"model": name})
            gone += answer["unloaded"]
        return gone


class ModelPanel(Panel):
    """One loaded model."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.model = name

    def tell(self, loaded: LoadedModel, snapshot: Snapshot, *, tall: bool) -> None:
        """Show how it does, with charts where it may be `tall`."""
        self.border_title = model.title(loaded)
        self.border_subtitle = model.subtitle(loaded)
        past = snapshot.history.models.get(loaded.name)
        self.show(partial(model.lines, loaded, past, tall=tall))
