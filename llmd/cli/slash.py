"""The commands inside `llmd chat`: one function each, chosen by the word after the slash."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmd.cli import attachments
from llmd.cli import conversation as conversations
from llmd.cli.answer import Answer
from llmd.cli.conversation import Conversation, Turn
from llmd.cli.keeping import Keeping
from llmd.cli.options import OverflowChoice
from llmd.client.client import Client
from llmd.errors import InvalidRequest, LlmdError
from llmd.tui.chat import pictures, wishes


class Leave(Exception):
    """The person wants to go."""


class Again(Exception):
    """The person wants the last question answered anew."""


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
        self.wishes: dict[str, Any] = {}
        """Fields of a request, which go with each question."""
        self.files: list[str] = []
        """Texts that go before what is said next."""
        self.pictures: list[Path] = []
        """What goes with it."""
        self.unanswered: Turn | None = None
        """The last question, if it got no answer."""

    def ask(self, line: str) -> None:
        """Say something, with all that was attached."""
        self.conversation.ask("\n\n".join([*self.files, line]), self.pictures)
        self.files, self.pictures, self.unanswered = [], [], None

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
    chat.files, chat.pictures, chat.unanswered = [], [], None
    chat.say("The conversation starts anew.")


def retry(_chat: Chat, _rest: str) -> None:
    """Answer the last question anew."""
    raise Again


def set_wish(chat: Chat, rest: str) -> None:
    """Set temperature, max_tokens and more; alone, show them."""
    name, _, text = rest.partition(" ")
    if not name:
        found = {one: chat.wishes[field] for one, field in WISHES.items() if field in chat.wishes}
        for one, value in found.items():
            chat.say(f"{one} {_shown(value)}")
        chat.say(f"/set NAME VALUE sets one of {', '.join(WISHES)}.")
        return
    field = WISHES.get(name)
    if not field:
        raise InvalidRequest(f"There is no {name} to set.", hint=f"One of {', '.join(WISHES)}.")
    value = _overflow(text.strip()) if name == "overflow" else wishes.parse(name, text)
    if value is None:
        chat.wishes.pop(field, None)
        chat.say(f"{name} is as the model and the daemon have it.")
    else:
        chat.wishes[field] = value
        chat.say(f"{name} is {_shown(value)}.")


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _overflow(text: str) -> str | None:
    choices = [choice.value for choice in OverflowChoice]
    if text and text not in choices:
        raise InvalidRequest(f"overflow is one of {', '.join(choices)}.")
    return text or None


def think(chat: Chat, rest: str) -> None:
    """Have the model think before it answers, or not."""
    if rest not in _SWITCH:
        raise InvalidRequest("Write /think on or /think off.")
    chat.wishes["chat_template_kwargs"] = {"enable_thinking": _SWITCH[rest]}
    chat.say(f"Reasoning is {rest}, if the model knows it.")


def attach_picture(chat: Chat, rest: str) -> None:
    """Show a picture with what you say next."""
    path = pictures.check(str(_path(rest)))
    chat.pictures.append(path)
    chat.say(f"{path.name} goes with what you say next.")


def attach_file(chat: Chat, rest: str) -> None:
    """Put a text file before what you say next."""
    path = _path(rest)
    chat.files.append(f"{path.name}:\n{attachments.texts([path])}")
    chat.say(f"{path.name} goes with what you say next.")


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
    "/retry": ("/retry", retry),
    "/image": ("/image FILE", attach_picture),
    "/file": ("/file FILE", attach_file),
    "/set": ("/set [NAME [VALUE]]", set_wish),
    "/think": ("/think on|off", think),
    "/save": ("/save FILE", save),
    "/load": ("/load FILE.json", load),
    "/model": ("/model [NAME]", switch_model),
    "/exit": ("/exit", leave),
}
_OTHER_WORDS = {"/?": "/help", "/quit": "/exit", "/bye": "/exit", "/regenerate": "/retry"}

WISHES = {**{name: name for name in wishes.NUMBERS}, "overflow": "context_overflow"}
"""What /set sets: fields of a request by the names that are typed."""
_SWITCH = {"on": True, "off": False}


def is_command(line: str) -> bool:
    """Whether a line is a command: a slash and a word. A path such as /etc/hosts is no word."""
    word = line.split(maxsplit=1)[0] if line.strip() else ""
    return word.startswith("/") and "/" not in word[1:] and "\n" not in line.strip()


def obey(chat: Chat, line: str) -> None:
    """Carry out a command; mistakes are said, never raised. Raises Leave and Again."""
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
