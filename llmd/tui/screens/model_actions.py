"""What can be done with a model: fetch, load, keep, let go, make smaller, delete."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
from textual.binding import Binding, BindingType

from llmd.errors import ModelBusy
from llmd.protocol import amounts
from llmd.tui.cells import Line, line
from llmd.tui.dialogs import (
    Choose,
    Confirm,
    LoadDialog,
    LoadOrder,
    PullDialog,
    PullOrder,
    QuantizeDialog,
    QuantizeOrder,
)
from llmd.tui.jobs import Jobs, Order, Work
from llmd.tui.page import ListPage
from llmd.tui.stock import Item

_NEEDS_FILE = {"load", "quantize", "delete", "default"}


class ModelActions(ListPage):
    """Keys of the models page; subclasses know the `item` under the cursor and the `jobs`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "load", "Load"),
        Binding("l", "plan", "Plan"),
        Binding("u", "unload", "Unload"),
        Binding("n", "pin", "Pin"),
        Binding("p", "pull", "Pull"),
        Binding("g", "pull_by_name", "By name"),
        Binding("d", "default", "Default"),
        Binding("z", "quantize", "Quantise"),
        Binding("x,delete", "delete", "Delete"),
        Binding("c", "cancel_job", "Cancel"),
    ]
    jobs: Jobs

    @property
    def item(self) -> Item | None:
        """The model under the cursor."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done with the model under the cursor."""
        item = self.item
        match action:
            case "plan":
                return bool(item and item.manifest is None)
            case "unload" | "pin":
                return bool(item and item.loaded)
            case "pull":
                return bool(item and item.offer)
            case "cancel_job":
                return bool(item and item.job and not item.job.foreign)
            case _ if action in _NEEDS_FILE:
                return bool(item and item.manifest)
        return super().check_action(action, parameters)

    def action_pull(self) -> None:
        """Fetch the model, or another variant of it."""
        if (item := self.item) and item.offer:
            self.ask(PullDialog(item.offer.alias, item.offer), self._pull)

    def action_pull_by_name(self) -> None:
        """Fetch any model."""
        self.ask(PullDialog(), self._pull)

    def _pull(self, order: PullOrder) -> None:
        body = {"name": order.name, "limit": order.limit, "now": order.now}
        self.jobs.begin(Order(work=Work.PULL, model=order.name, body=body))

    def action_cancel_job(self) -> None:
        """Leave what is done with the model."""
        if (item := self.item) and item.job:
            self.jobs.cancel(item.job.number)

    def action_load(self) -> None:
        """Plan, then load, or load anew otherwise."""
        if (item := self.item) and item.manifest:
            known = item.loaded.options if item.loaded else item.manifest.options
            self.ask(LoadDialog(item.name, msgspec.to_builtins(known)), self._load)

    def action_plan(self) -> None:
        """Show what a model that is not here would take."""
        if item := self.item:
            self.ask(LoadDialog(item.name, {}, load=False), lambda _: None)

    def _load(self, order: LoadOrder) -> None:
        body = {"model": order.model, "options": order.options}
        self.jobs.begin(Order(work=Work.LOAD, model=order.model, body=body))

    def action_pin(self) -> None:
        """Keep a loaded model in memory, or let it go again when room is needed."""
        if (item := self.item) and item.loaded:
            pinned = not item.pinned
            body = {"model": item.name, "options": {"pinned": pinned}}
            said = f"{item.name} {'stays loaded' if pinned else 'is not pinned any more'}."
            self.perform(self._drained(body), said)

    async def _drained(self, body: dict[str, Any]) -> None:
        async for _ in self.client.stream_lines("/control/load", body):
            continue

    def action_unload(self) -> None:
        """Unload; a model that is answering only after a question."""
        if item := self.item:
            self.perform(self._unload(item.name))

    async def _unload(self, name: str) -> None:
        try:
            await self.client.post("/control/unload", {"model": name})
        except ModelBusy as busy:
            question = Confirm("Unload", f"{busy.message} Stop what it is answering?")
            self.ask(question, lambda _: self._force(name))
            return
        self.notify(f"{name} is unloaded.", markup=False)

    def _force(self, name: str) -> None:
        body = {"model": name, "force": True}
        self.perform(self.client.post("/control/unload", body), f"{name} is unloaded.")

    def action_default(self) -> None:
        """Have it answer when no model is named, for one of its purposes."""
        if item := self.item:
            name = item.name
            self.ask(
                Choose(f"{name} answers by default", purposes(item)),
                lambda found: self._default(found, name),
            )

    def _default(self, choice: str, name: str) -> None:
        purpose, _, keep = choice.partition("/")
        chosen = None if keep else name
        body = {"purpose": purpose, "model": chosen}
        self.perform(
            self.client.post("/control/defaults", body),
            lambda answer: f"For {purpose}, {answer['model'] or 'no model'} answers by default.",
            then=lambda _: self.action_reload(),
        )

    def action_quantize(self) -> None:
        """Make a smaller variant."""
        if item := self.item:
            self.ask(QuantizeDialog(item.name), self._quantize)

    def _quantize(self, order: QuantizeOrder) -> None:
        body = {
            "model": order.model,
            "recipe": msgspec.to_builtins(order.recipe),
            "name": order.name,
        }
        detail = f"→ {order.name or order.recipe.type}"
        self.jobs.begin(Order(work=Work.QUANTIZE, model=order.model, body=body, detail=detail))

    def action_delete(self) -> None:
        """Delete after a question."""
        item = self.item
        if item is None or item.manifest is None:
            return
        name = item.name
        question = Confirm("Delete", f"Delete {name}?", consequences(item))
        self.ask(question, lambda _: self._delete(name))

    def _delete(self, name: str) -> None:
        self.perform(
            self.client.delete(f"/control/models/{quote(name, safe='')}"),
            f"{name} is deleted.",
            then=lambda _: self.action_reload(),
        )


def purposes(item: Item) -> list[tuple[str, str]]:
    """Return for what a model may answer by default, and how to end that."""
    able = {
        "chat": item.kind == "chat",
        "vision": "vision" in item.abilities or "audio" in item.abilities,
        "embedding": item.kind in {"chat", "embedding"},
        "rerank": item.kind == "rerank",
    }
    found = [purpose for purpose, can in able.items() if can]
    return [
        *((purpose, f"for {purpose}") for purpose in found),
        *((f"{purpose}/newest", f"for {purpose}: the newest that can") for purpose in found),
    ]


def consequences(item: Item) -> tuple[Line, ...]:
    """Return what becomes of the files of a model that is deleted."""
    model = item.manifest
    if model is None:
        return ()
    kept = "its file stays where it is" if not model.owned else "its file is deleted"
    return (
        line("file", model.path),
        line("size", f"{amounts.size(model.size)}: {kept}"),
        *((line("loaded", "it is unloaded"),) if item.loaded else ()),
    )
