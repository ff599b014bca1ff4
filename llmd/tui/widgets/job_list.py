"""What goes on beside the page: a line for each job, which can be left, resumed and cleared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from llmd.tui.cells import Cell, Line, Tone, bar
from llmd.tui.jobs import Job, Stage, Work, words
from llmd.tui.widgets.details import content

_BAR = 16
_NAME = 30
_MARKS = {Work.PULL: "↓", Work.QUANTIZE: "◇", Work.LOAD: "◐"}
_TONES = {Stage.DONE: Tone.GOOD, Stage.FAILED: Tone.BAD, Stage.BROKEN: Tone.WARN}


class JobLine(Horizontal, can_focus=True):
    """One job; its button is what can be done with it."""

    DEFAULT_CSS = """
    JobLine { height: auto; padding: 0 1; }
    JobLine:focus { background: $surface-lighten-1; }
    JobLine .words { width: 1fr; height: auto; }
    JobLine .button { width: auto; padding: 0 1; color: $text-accent; }
    JobLine .button:hover { background: $primary 40%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,delete", "turn", "Cancel / resume"),
        Binding("enter", "turn", "Cancel / resume", show=False),
        Binding("x", "dismiss", "Clear"),
    ]

    class Turned(Message):
        """Leave it or go on with it, as it stands."""

        def __init__(self, job: Job) -> None:
            super().__init__()
            self.job = job

    class Dismissed(Message):
        """Take it from the list."""

        def __init__(self, job: Job) -> None:
            super().__init__()
            self.job = job

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static(_words(self.job), classes="words", markup=False)
        yield Static(_button(self.job), classes="button", markup=False)

    def show(self, job: Job) -> None:
        """Show how it stands now."""
        if job == self.job:
            return
        self.job = job
        if self.is_mounted:
            self._draw()

    def on_mount(self) -> None:
        """Show what came while it was laid out."""
        self._draw()

    def _draw(self) -> None:
        # a line that is taken away while it is laid out has nothing in it any more
        for selector, shown in ((".words", _words(self.job)), (".button", _button(self.job))):
            for part in self.query(selector).results(Static):
                part.update(shown)

    def on_click(self, event: object) -> None:
        """Take a click on the button."""
        widget = getattr(event, "widget", None)
        if widget is not None and widget.has_class("button"):
            self.action_turn()

    def action_turn(self) -> None:
        """Leave it, resume it, or clear it when it is done."""
        if self.job.foreign:
            return
        done = self.job.stage is Stage.DONE
        self.post_message(self.Dismissed(self.job) if done else self.Turned(self.job))

    def action_dismiss(self) -> None:
        """Clear it."""
        if not self.job.foreign:
            self.post_message(self.Dismissed(self.job))


class JobList(VerticalScroll, can_focus=False):
    """All jobs; hidden while there are none."""

    DEFAULT_CSS = """
    JobList { height: auto; max-height: 6; border-top: solid $primary 50%; display: none; }
    JobList.-some { display: block; }
    """

    def fill(self, jobs: Sequence[Job]) -> None:
        """Show these."""
        lines = {line.job.number: line for line in self.query(JobLine)}
        self.set_class(bool(jobs), "-some")
        for job in jobs:
            if line := lines.pop(job.number, None):
                line.show(job)
            else:
                self.mount(JobLine(job))
        for line in lines.values():
            line.remove()


def _words(job: Job) -> Content:
    name = job.order.title
    shown = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
    tone = _TONES.get(job.stage, Tone.PLAIN)
    drawn = (*bar(job.share, _BAR), Cell("  ")) if job.live else ()
    cells = (Cell(f"{_MARKS[job.order.work]} ", Tone.ACCENT), Cell(f"{shown}  ", Tone.STRONG))
    return content([Line("", (*cells, *drawn, Cell(words(job), tone)))])


def _button(job: Job) -> str:
    if job.foreign:
        return ""
    if job.live:
        return "cancel"
    return "resume" if job.resumable else "clear"
