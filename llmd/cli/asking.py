"""From the words of a command line to a request: which are the prompt, which name a model, what
comes from stdin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from llmd.cli.connect import client as connect
from llmd.cli.piped import read_all, read_piped
from llmd.client.client import Client
from llmd.errors import InvalidRequest

STDIN = "-"


@dataclass(frozen=True)
class Question:
    """What is asked, of which model (None: the default), through which client; `prompt` is empty
    where a model alone is named.
    """

    client: Client
    model: str | None
    prompt: str


def question(
    words: Sequence[str], model: str | None, *, start: bool, read: str = "", alone: bool = False
) -> Question:
    """Read stdin, tell the model's name from the prompt, connect; `read` is what stands in files,
    `alone` allows no prompt at all. Raises typer.BadParameter when nothing is asked.
    """
    piped = read_all() if STDIN in words else read_piped()
    words = [word for word in words if word != STDIN]
    if not (words or piped.strip() or read or alone):
        raise typer.BadParameter(
            "give a prompt, or pipe one in: llmd run 'What is the capital of France?'"
        )
    client = connect(start=start)
    if model is None and words and _names_model(client, words[0]):
        model, words = words[0], words[1:]
    return Question(client, model, join(words, piped, read))


def no_prompt(model: str | None) -> InvalidRequest:
    """Return what is raised where a model is named, and nothing asked."""
    return InvalidRequest(
        "There is no prompt.", hint=f"`llmd chat {model}` talks with {model}." if model else ""
    )


def join(words: Sequence[str], piped: str, read: str = "") -> str:
    """Return the prompt: what files say, the words, then what was piped in."""
    return "\n\n".join(part for part in (read, " ".join(words), piped.rstrip("\n")) if part)


def _names_model(client: Client, word: str) -> bool:
    """Whether a word is an installed model or an alias that could be pulled; one may leave out
    `-m`, as with Ollama.
    """
    installed = (model["name"] for model in client.get("/control/models")["models"])
    return word in installed or _is_alias(word)


def _is_alias(word: str) -> bool:
    from llmd.config.paths import find_paths
    from llmd.models.catalog import Catalogue

    catalogue = Catalogue(find_paths().catalog_file)
    return any(catalogue.find(name) for name in (word, word.partition(":")[0]))


def adapters(words: Sequence[str] | None) -> list[dict[str, Any]] | None:
    """Return the adapters of `NAME` and `NAME=SCALE`; raise typer.BadParameter for a scale that is
    no number.
    """
    if not words:
        return None
    found = []
    for word in words:
        name, equals, scale = word.rpartition("=")
        try:
            found.append({"name": name, "scale": float(scale)} if equals else {"name": word})
        except ValueError:
            raise typer.BadParameter(f"{word}: the scale is a number, as in style=0.5.") from None
    return found


def body(**fields: Any) -> dict[str, Any]:
    """Return the body of a streamed request; what is None stays out, so that the daemon's defaults
    hold.
    """
    chosen = {name: value for name, value in fields.items() if value is not None}
    return {**chosen, "stream": True, "stream_options": {"include_usage": True}}
