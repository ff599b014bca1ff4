"""How a talk goes on: its model, its system prompt, and how answers are sampled."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Input, Label, Select, Static, TextArea

from llmd.tui.chat import wishes
from llmd.tui.chat.wishes import Wishes
from llmd.tui.dialogs.dialog import Dialog

_THINKING = (("on", "on"), ("off", "off"))
_OVERFLOW = (
    ("is refused", "error"),
    ("drops the oldest messages", "truncate"),
    ("also forgets while it writes", "shift"),
)


class Options(msgspec.Struct, frozen=True):
    """What was chosen; `model` may be empty for the default."""

    model: str
    system: str
    wishes: Wishes


class ChatOptions(Dialog[Options]):
    """Ends with options; they count from the next answer on."""

    DEFAULT_CSS = """
    ChatOptions #system { height: 4; background: $boost; }
    ChatOptions #system:focus { background: $primary 25%; }
    ChatOptions .form.-wide { margin: 1 0 0 0; }
    ChatOptions #about { margin: 1 0 0 0; }
    """

    def __init__(self, models: Sequence[str], options: Options) -> None:
        """Begin with options as they are."""
        super().__init__("Options of this conversation")
        self._models = models
        self._options = options

    def body(self) -> ComposeResult:
        """Lay out the form."""
        found = self._options
        with Grid(classes="form"):
            yield Label("Model")
            yield self._select("model", [(name, name) for name in self._models], found.model)
            yield Label("System")
            yield TextArea(found.system, id="system", compact=True, tab_behavior="focus")
        with Grid(classes="form -wide"):
            for name in wishes.NUMBERS:
                yield Label(name.replace("_", " ").capitalize())
                text = found.wishes.text(name)
                yield Input(text, placeholder="as the model has it", id=name, compact=True)
            yield Label("Reasoning")
            thinking = {True: "on", False: "off", None: ""}[found.wishes.enable_thinking]
            yield self._select("thinking", _THINKING, thinking, "as it does")
            yield Label("Too long")
            overflow = found.wishes.context_overflow or ""
            yield self._select("overflow", _OVERFLOW, overflow, "is refused")
        yield Static(classes="help", id="about", markup=False)

    @staticmethod
    def _select(
        name: str, options: Sequence[tuple[str, str]], value: str, prompt: str = "the default"
    ) -> Select[str]:
        known = any(key == value for _, key in options)
        return Select(
            options, prompt=prompt, value=value if known else Select.NULL, id=name, compact=True
        )

    def on_mount(self) -> None:
        """Begin at the model."""
        self.query_one("#model").focus()

    def on_descendant_focus(self) -> None:
        """Explain the number that is typed."""
        at = self.focused.id if self.focused else ""
        rule = wishes.NUMBERS.get(at or "")
        self.query_one("#about", Static).update(
            f"{rule.least:g} to {rule.most:g}: {rule.words}" if rule else "ctrl+s is OK"
        )

    def answer(self) -> Options:
        """Return the options; raise InvalidRequest for a number that cannot be."""
        numbers = {name: self.query_one(f"#{name}", Input).value for name in wishes.NUMBERS}
        found = wishes.read(numbers, self._chosen("thinking"), self._chosen("overflow"))
        system = self.query_one("#system", TextArea).text.strip()
        return Options(self._chosen("model"), system, found)

    def _chosen(self, name: str) -> str:
        value = self.query_one(f"#{name}", Select).value
        return "" if value is Select.NULL else str(value)
