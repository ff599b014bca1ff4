"""What the commands typed on the chat page do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from llmd.errors import InvalidRequest, LlmdError
from llmd.tui.chat import code, commands, files
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Turn
from llmd.tui.screens.chat_answers import Answers
from llmd.tui.screens.chat_shelf import Shelf
from llmd.tui.screens.talk_page import TalkPage


class Hands(NamedTuple):
    """What commands work with."""

    page: TalkPage
    answers: Answers
    shelf: Shelf


def obey(hands: Hands, name: str, rest: str) -> None:
    """Carry out a command; what is wrong with it becomes a notification."""
    order = _ORDERS.get(name)
    try:
        if order is None:
            raise InvalidRequest(f"There is no {name}.", hint="/help lists what there is.")
        order(hands, rest)
    except LlmdError as error:
        hands.page.tell(error)


def _help(hands: Hands, _rest: str) -> None:
    hands.page.notify(commands.overview(), title="Commands", timeout=20, markup=False)


def _new(hands: Hands, _rest: str) -> None:
    hands.page.action_new()


def _model(hands: Hands, rest: str) -> None:
    if not rest:
        hands.page.action_options()
        return
    hands.page.perform(_chosen(hands, rest), f"{rest} answers from now on.")


async def _chosen(hands: Hands, name: str) -> None:
    await hands.page.desk.learn()
    hands.page.desk.choose(hands.page.talk, name)
    hands.page.mark()


def _system(hands: Hands, rest: str) -> None:
    if rest:
        hands.page.set_system(rest)
    else:
        hands.page.action_options()


def _options(hands: Hands, _rest: str) -> None:
    hands.page.action_options()


def _image(hands: Hands, rest: str) -> None:
    hands.page.desk.attach(hands.page.talk, _file(rest))
    hands.page.call_later(hands.page.renew)


def _text(hands: Hands, rest: str) -> None:
    content = files.text(Path(_file(rest)).expanduser())
    hands.page.call_later(hands.page.composer.put, f"{content}\n\n")


def _tools(hands: Hands, rest: str) -> None:
    hands.page.talk.tools = files.tools(Path(_file(rest)).expanduser())
    hands.page.notify(
        f"{len(hands.page.talk.tools)} tools are offered; results of calls are typed by hand."
    )
    hands.page.call_later(hands.page.renew)


def _retry(hands: Hands, _rest: str) -> None:
    hands.answers.again(None)


def _edit(hands: Hands, _rest: str) -> None:
    hands.page.edit(None)


def _copy(hands: Hands, _rest: str) -> None:
    hands.page.copy(_last_answer(hands.page.talk))


def _code(hands: Hands, _rest: str) -> None:
    found = code.blocks(_last_answer(hands.page.talk))
    hands.page.copy(found[-1] if found else "")


def _rename(hands: Hands, rest: str) -> None:
    if rest and hands.page.talk.session:
        hands.shelf.retitle(hands.page.talk.session, rest)
    else:
        hands.shelf.rename(hands.page.talk.session, hands.page.talk.title)


def _delete(hands: Hands, _rest: str) -> None:
    hands.shelf.remove(hands.page.talk.session, hands.page.talk.title or "this conversation")


def _save(hands: Hands, rest: str) -> None:
    path = Path(_file(rest)).expanduser()
    hands.page.perform(_saved(hands, path), f"Saved to {path}.")


async def _saved(hands: Hands, path: Path) -> None:
    await hands.page.desk.read_back(hands.page.talk)
    await asyncio.to_thread(files.save, hands.page.talk, path)


def _load(hands: Hands, rest: str) -> None:
    turns: list[Turn] = files.load(Path(_file(rest)).expanduser())
    talk = hands.page.desk.show(
        Talk(model=hands.page.talk.model, wishes=hands.page.talk.wishes, turns=turns)
    )
    hands.page.call_later(hands.page.show_talk, talk)


def _exit(hands: Hands, _rest: str) -> None:
    hands.page.app.exit()


def _file(rest: str) -> str:
    if not rest:
        raise InvalidRequest("Give a file name.")
    return rest


def _last_answer(talk: Talk) -> str:
    return next((turn.text for turn in reversed(talk.turns) if turn.role == "assistant"), "")


_ORDERS: dict[str, Callable[[Hands, str], None]] = {
    "/help": _help,
    "/new": _new,
    "/model": _model,
    "/system": _system,
    "/options": _options,
    "/image": _image,
    "/file": _text,
    "/tools": _tools,
    "/retry": _retry,
    "/edit": _edit,
    "/copy": _copy,
    "/code": _code,
    "/rename": _rename,
    "/delete": _delete,
    "/save": _save,
    "/load": _load,
    "/exit": _exit,
}
