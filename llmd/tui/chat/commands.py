"""The commands that can be typed: those of `llmd chat`, and what only a page can do. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """One command; `usage` is what follows its name."""

    usage: str
    help: str


COMMANDS: dict[str, Command] = {
    "/help": Command("", "Show what can be typed"),
    "/new": Command("", "Begin another conversation"),
    "/model": Command("[NAME]", "Ask another model from now on"),
    "/system": Command("[TEXT]", "Set the system prompt; without text, show the options"),
    "/options": Command("", "Temperature, longest answer, reasoning and more"),
    "/image": Command("FILE", "Attach a picture to what you say next"),
    "/file": Command("FILE", "Put a text file into what you say next"),
    "/tools": Command("FILE.json", "Offer tools; their results are typed by hand"),
    "/retry": Command("", "Answer the last question anew"),
    "/edit": Command("", "Change the last question and ask again"),
    "/copy": Command("", "Copy the last answer"),
    "/code": Command("", "Copy the last code of an answer"),
    "/rename": Command("TITLE", "Give the conversation another title"),
    "/delete": Command("", "Delete the conversation"),
    "/save": Command("FILE", "Save it: Markdown, or JSON into *.json"),
    "/load": Command("FILE.json", "Go on with a conversation saved as JSON"),
    "/exit": Command("", "Leave"),
}
_OTHER_WORDS = {
    "/?": "/help",
    "/clear": "/new",
    "/attach": "/image",
    "/regenerate": "/retry",
    "/set": "/options",
    "/think": "/options",
    "/quit": "/exit",
    "/bye": "/exit",
}


def parse(line: str) -> tuple[str, str] | None:
    """Return a command and what follows it; None: it is something to be said, as is a path such as
    /etc/hosts. A command that there is not comes back as it was typed.
    """
    word, _, rest = line.strip().partition(" ")
    if not word.startswith("/") or "/" in word[1:] or "\n" in line.strip():
        return None
    return _OTHER_WORDS.get(word, word), rest.strip()


def overview() -> str:
    """Return all commands, one a line."""
    typed = {f"{name} {known.usage}".strip(): known.help for name, known in COMMANDS.items()}
    width = max(len(name) for name in typed)
    return "\n".join(f"{name.ljust(width)}  {told}" for name, told in typed.items())
