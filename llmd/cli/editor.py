"""The line editor of `llmd chat`: several lines, history, completion of commands, models and
files.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output

from llmd.cli.slash import COMMANDS, WISHES
from llmd.errors import LlmdError

QUOTES = '"""'
_PATHS = frozenset(("/save", "/load", "/image", "/file"))
_WORDS = {"/set": tuple(WISHES), "/think": ("on", "off")}


def unfinished(text: str) -> bool:
    """Whether Enter begins another line instead of sending: a backslash at the end, or open triple
    quotes.
    """
    return text.endswith("\\") or text.count(QUOTES) % 2 == 1


def cleaned(text: str) -> str:
    """Return what was meant: continuation backslashes and enclosing triple quotes removed."""
    joined = text.replace("\\\n", "\n").strip()
    if joined.startswith(QUOTES) and joined.endswith(QUOTES) and len(joined) >= 2 * len(QUOTES):
        return joined[len(QUOTES) : -len(QUOTES)].strip("\n")
    return joined


class ChatCompleter(Completer):
    """Completes a command's name and what follows it: models, files, names of what can be set."""

    def __init__(self, models: Callable[[], list[str]]) -> None:
        self._models = models
        self._paths = PathCompleter(expanduser=True)

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Yield what fits before the cursor."""
        word, space, rest = document.text_before_cursor.partition(" ")
        if not word.startswith("/") or "\n" in rest:
            return
        if not space:
            yield from self._commands(word)
        elif word == "/model":
            yield from (
                Completion(name, -len(rest)) for name in self._names() if name.startswith(rest)
            )
        elif word in _WORDS:
            yield from (Completion(one, -len(rest)) for one in _WORDS[word] if one.startswith(rest))
        elif word in _PATHS:
            yield from self._paths.get_completions(Document(rest), complete_event)

    def _commands(self, word: str) -> Iterable[Completion]:
        for name, (usage, command) in COMMANDS.items():
            if name.startswith(word):
                yield Completion(name, -len(word), display=usage, display_meta=command.__doc__)

    def _names(self) -> list[str]:
        try:
            return self._models()
        except LlmdError:
            return []


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def _send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if unfinished(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


def open_history(path: Path) -> FileHistory:
    """Open the history, readable by its owner alone: what people tell a model is private."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    path.chmod(0o600)
    return FileHistory(str(path))


class Editor:
    """Reads messages from the terminal."""

    def __init__(
        self,
        history: Path | None,
        models: Callable[[], list[str]],
        *,
        source: Input | None = None,
        screen: Output | None = None,
    ) -> None:
        """Remember what is typed in the file `history`; None: no longer than this lasts."""
        self._session: PromptSession[str] = PromptSession(
            history=open_history(history) if history else InMemoryHistory(),
            completer=ChatCompleter(models),
            complete_while_typing=True,
            key_bindings=_bindings(),
            multiline=True,
            prompt_continuation=lambda _width, _line, _soft: "... ",
            input=source,
            output=screen,
        )

    def read(self) -> str:
        """Return the next message; raise EOFError on Ctrl-D and KeyboardInterrupt on Ctrl-C."""
        return cleaned(self._session.prompt(">>> "))
