"""The frame of all dialogs: a title, a body, buttons; escape leaves, errors stand in a line."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Generic, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from llmd.client.asynchronous import AsyncClient
from llmd.errors import LlmdError

T = TypeVar("T")


class Dialog(ModalScreen[T | None], Generic[T]):
    """Subclasses give `body` and `answer`; `TITLE_TEXT` or the title given stands on the frame."""

    CSS_PATH = Path(__file__).with_name("dialog.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel"),
        Binding("ctrl+s", "accept", "OK", show=False),
    ]
    ACCEPT: ClassVar[str] = "OK"
    """What the button says that ends it with an answer; empty: there is none."""
    LEAVE: ClassVar[str] = "Cancel"
    DANGER: ClassVar[bool] = False
    """Whether the answer destroys something."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(id="frame") as frame:
            frame.border_title = Content(self._title)
            yield from self.body()
            yield Static(id="fault", markup=False)
            with Horizontal(id="buttons"):
                if self.ACCEPT:
                    yield Button(
                        self.ACCEPT,
                        variant="error" if self.DANGER else "primary",
                        id="accept",
                        compact=True,
                    )
                yield Button(self.LEAVE, id="leave", compact=True)

    def body(self) -> ComposeResult:
        """Yield what is between title and buttons."""
        yield from ()

    def answer(self) -> T:
        """Return what it ends with; raise InvalidRequest for what was filled in wrongly."""
        raise NotImplementedError

    @property
    def client(self) -> AsyncClient:
        """The daemon."""
        return cast("AsyncClient", getattr(self.app, "client"))  # noqa: B009  the app is no generic

    @property
    def gone(self) -> bool:
        """Whether it has ended: an answer of the daemon may come after that."""
        return not self.query("#fault")

    def fault(self, error: LlmdError | None) -> None:
        """Show what is wrong, or that nothing is."""
        line = self.query_one("#fault", Static)
        line.update(f"{error.message} {error.hint}".strip() if error else "")
        line.set_class(error is not None, "-shown")

    def action_leave(self) -> None:
        """End without an answer."""
        self.dismiss(None)

    def action_accept(self) -> None:
        """End with the answer, or say what is wrong with it."""
        button = self.query("#accept").first(Button) if self.ACCEPT else None
        if button and (button.disabled or not button.display):
            return
        try:
            found = self.answer()
        except LlmdError as error:
            self.fault(error)
            return
        self.dismiss(found)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take the two buttons."""
        if event.button.id == "accept":
            self.action_accept()
        elif event.button.id == "leave":
            self.action_leave()

    def on_input_submitted(self) -> None:
        """Take enter in a field for the answer."""
        self.action_accept()
