"""The commands inside `llmd chat`: one function each, chosen by the word after the slash."""

from collections.abc import Callable
from pathlib import Path

from llmd.cli import conversation as conversations
from llmd.cli.answer import Answer
from llmd.cli.conversation import Conversation
from llmd.cli.keeping import Keeping
from llmd.client.client import Client
from llmd.errors import InvalidRequest, LlmdError


class Leave(Exception):
    """The person wants to go."""


class Chat:
    """The state the commands work on, and `say`, which shows a line."""

    def __init__(
        self,
        client: Client,
        model: str,
        system: str,
        say: Callable[[str], None],
        keeping: Keeping | None = None,
    ) -> None:
        """Begin with nothing said; without `keeping` nothing is kept."""
        self.client = client
        self.model = model
        self.conversation = Conversation(system)
        self.say = say
        self.keeping = keeping

    def answered(self, answer: Answer) -> None:
        """Note an answer, and keep it with its question."""
        self.conversation.answer(answer.text)
        if self.keeping:
            self.keeping.keep(self.conversation, self.model, answer)

    def models(self) -> list[str]:
        """Return the names of the installed chat models."""
        found = self.client.get("/control/models")["models"]
        return [model["name"] for model in found if model["kind"] == "chat"]


def show_help(chat: Chat, _rest: str) -> None:
    """Show this list."""
    width = max(len(usage) for usage, _ in COMMANDS.values())
    for usage, command in COMMANDS.values():
        chat.say(f"  {usage.ljust(width)}  {command.__doc__}")
    chat.say(
        'Alt-Enter, \\ at the end of a line, or lines between """ and """ make a longer message.'
    )
    chat.say("Ctrl-C stops an answer, Ctrl-D leaves.")


def set_system(chat: Chat, rest: str) -> None:
    """Set the system message; without text, show it."""
    if rest:
        chat.conversation.system = rest
        chat.say("The system message is set.")
    else:
        chat.say(chat.conversation.system or "There is no system message.")


def clear(chat: Chat, _rest: str) -> None:
    """Forget what was said; the system message stays."""
    chat.conversation.clear()
    chat.say("The conversation starts anew.")


def save(chat: Chat, rest: str) -> None:
    """Save the conversation: Markdown, or JSON into *.json."""
    path = _path(rest)
    conversations.save(chat.conversation, path)
    chat.say(f"Saved to {path}.")


def load(chat: Chat, rest: str) -> None:
    """Go on with a conversation saved as JSON."""
    chat.conversation = conversations.load(_path(rest))
    chat.say(f"{len(chat.conversation.turns)} messages are loaded.")


def switch_model(chat: Chat, rest: str) -> None:
    """Ask another model from now on; without name, list them."""
    if not rest:
        for name in chat.models():
            chat.say(f"{'*' if name == chat.model else ' '} {name}")
        return
    known = chat.models()
    if rest not in known:
        raise InvalidRequest(
            f"There is no chat model {rest} here.", hint=f"Installed: {', '.join(known)}."
        )
    chat.model = rest
    chat.say(f"{rest} answers from now on.")


def leave(_chat: Chat, _rest: str) -> None:
    """Leave."""
    raise Leave


COMMANDS: dict[str, tuple[str, Callable[[Chat, str], None]]] = {
    "/help": ("/help", show_help),
    "/system": ("/system [TEXT]", set_system),
    "/clear": ("/clear", clear),
    "/save": ("/save FILE", save),
    "/load": ("/load FILE.json", load),
    "/model": ("/model [NAME]", switch_model),
    "/exit": ("/exit", leave),
}
_OTHER_WORDS = {"/?": "/help", "/quit": "/exit", "/bye": "/exit"}


def is_command(line: str) -> bool:
    """Whether a line is a command: a slash and a word. A path such as /etc/hosts is no word."""
    word = line.split(maxsplit=1)[0] if line.strip() else ""
    return word.startswith("/") and "/" not in word[1:] and "\n" not in line.strip()


def obey(chat: Chat, line: str) -> None:
    """Carry out a command; mistakes are said, never raised."""
    word, _, rest = line.strip().partition(" ")
    found = COMMANDS.get(_OTHER_WORDS.get(word, word))
    if not found:
        chat.say(f"There is no {word}; /help lists what there is.")
        return
    try:
        found[1](chat, rest.strip())
    except LlmdError as error:
        chat.say(f"{error}")
    except OSError as error:
        chat.say(f"{error.filename}: {error.strerror}.")


def _path(rest: str) -> Path:
    if not rest:
        raise InvalidRequest("Give a file name.")
    return Path(rest).expanduser()
