"""Plans before it loads: every change of the form is planned anew, by device; what does not fit
says so and offers what would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Checkbox, Input, Label, OptionList, Select

from llmd.errors import LlmdError
from llmd.tui import plans
from llmd.tui.cells import Tone, said
from llmd.tui.dialogs.dialog import Dialog
from llmd.tui.widgets.details import Details

_PAUSE = 0.3
"""Seconds without a key before what was typed is planned."""
_FIELDS = {
    "context_length": ("Context", "tokens, or 32k"),
    "parallel": ("Parallel", "answers at once"),
    "gpu_layers": ("GPU layers", "-1: all"),
    "keep_alive": ("Keep alive", "5m; -1: for ever"),
}
_KV_TYPES = ("f16", "q8_0", "q4_0")


class LoadOrder(msgspec.Struct, frozen=True):
    """What to load, and how; options as the daemon takes them."""

    model: str
    options: dict[str, Any]


class LoadDialog(Dialog[LoadOrder]):
    """Ends with what to load; `options` are those it begins with, and `load` False only plans."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+l", "accept", "Load", show=False)]
    ACCEPT = "Load"

    def __init__(self, model: str, options: Mapping[str, Any], *, load: bool = True) -> None:
        super().__init__(f"Load {model}" if load else f"Plan {model}")
        self._model = model
        self._form = plans.shown(options)
        self._pinned = bool(options.get("pinned"))
        self._was_pinned = options.get("pinned")
        self._load = load
        self._remedies: list[tuple[str, dict[str, Any]]] = []
        self._planned: dict[str, Any] | None = None

    def body(self) -> ComposeResult:
        """Lay out the form above the plan."""
        with Grid(classes="form -wide"):
            for name, (title, hint) in _FIELDS.items():
                yield Label(title)
                yield Input(self._form.get(name, ""), placeholder=hint, id=name, compact=True)
            yield Label("KV cache")
            kv_type = self._form.get("kv_type", "")
            yield Select(
                [(name, name) for name in _KV_TYPES],
                prompt="as set",
                value=kv_type if kv_type in _KV_TYPES else Select.NULL,
                id="kv_type",
                compact=True,
            )
            yield Label("Pinned")
            yield Checkbox("stays", self._pinned, id="pinned", compact=True)
        with VerticalScroll(id="plan"):
            yield Details([said("Planning ...", Tone.DIM)], id="described")
        yield OptionList(id="remedies", compact=True)

    def on_mount(self) -> None:
        """Plan what the form says at first."""
        self.query_one("#remedies").display = False
        self.query_one("#accept", Button).display = self._load
        self.query_one("#context_length").focus()
        self._replan(0.0)

    def answer(self) -> LoadOrder:
        """Return the order; raise InvalidRequest."""
        options = self._options()
        pinned = self.query_one("#pinned", Checkbox).value
        if pinned or self._was_pinned is not None:
            options["pinned"] = pinned
        return LoadOrder(self._model, options)

    def on_input_changed(self) -> None:
        """Plan anew, once nobody types."""
        self._replan(_PAUSE)

    def on_select_changed(self) -> None:
        """Plan anew."""
        self._replan(0.0)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take what a remedy says into the form."""
        event.stop()
        _, options = self._remedies[event.option_index]
        for name, text in plans.shown(options).items():
            if name == "kv_type":
                self.query_one("#kv_type", Select).value = text
            else:
                self.query_one(f"#{name}", Input).value = text

    def _options(self) -> dict[str, Any]:
        form = {name: self.query_one(f"#{name}", Input).value for name in _FIELDS}
        chosen = self.query_one("#kv_type", Select).value
        if chosen is not Select.NULL:
            form["kv_type"] = str(chosen)
        return plans.options(form)

    def _replan(self, pause: float) -> None:
        try:
            options = self._options()
        except LlmdError as error:
            self.fault(error)
            return
        self.fault(None)
        if options != self._planned:
            work: Callable[[], Awaitable[None]] = partial(self._plan, options, pause)
            self.run_worker(work, group="plan", exclusive=True)

    async def _plan(self, options: dict[str, Any], pause: float) -> None:
        await asyncio.sleep(pause)
        try:
            plan = await self.client.post(
                "/control/plan", {"model": self._model, "options": options}
            )
        except LlmdError as error:
            if not self.gone:
                self.fault(error)
            return
        if self.gone:
            return
        self._planned = options
        self.query_one("#described", Details).fill(plans.described(plan))
        self._offer(plan)

    def _offer(self, plan: Mapping[str, Any]) -> None:
        self._remedies = plans.remedies(plan)
        listed = self.query_one("#remedies", OptionList)
        listed.clear_options()
        listed.display = bool(self._remedies)
        listed.add_options([Content(f"→ {text}") for text, _ in self._remedies])
        self.query_one("#accept", Button).disabled = not plan["fits"]
        # an answer that comes before the first layout is done finds the frame too small for it
        self.query_one("#described").call_after_refresh(self._settle)

    def _settle(self) -> None:
        if self.gone:
            return
        for name in ("#described", "#remedies"):
            self.query_one(name).refresh(layout=True)
