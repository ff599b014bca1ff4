from __future__ import annotations

import pytest

from llmd.errors import DaemonUnreachable, NotFound
from llmd.tui.chat import keeping
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Turn
from tests.fakes.chat_daemon import ChatDaemon


def talked(*texts: str) -> Talk:
    roles = ("user", "assistant")
    return Talk(model="tiny", turns=[Turn(roles[n % 2], text) for n, text in enumerate(texts)])


async def test_a_long_session_is_read_from_its_end() -> None:
    daemon = ChatDaemon()
    count = keeping.FIRST + keeping.PAGE + 10
    session = daemon.keep("Long", *(("user", str(n)) for n in range(count)))
    talk = await keeping.reopen(daemon, session)
    assert [turn.text for turn in talk.turns] == [str(n) for n in range(count - 60, count)]
    assert talk.missing == keeping.PAGE + 10
    assert await keeping.read_back(daemon, talk)
    assert (talk.missing, talk.turns[0].text) == (10, "10")
    assert await keeping.read_back(daemon, talk)
    assert not await keeping.read_back(daemon, talk)
    assert [turn.text for turn in talk.turns] == [str(n) for n in range(count)]


async def test_a_session_that_is_gone_is_not_another_one() -> None:
    daemon = ChatDaemon()
    with pytest.raises(NotFound):
        await keeping.reopen(daemon, "gone")
    assert (await keeping.reopen(daemon, daemon.keep("Empty"))).turns == []


async def test_a_talk_is_kept_as_it_grows() -> None:
    daemon, talk = ChatDaemon(), talked("Hi", "Hello")
    await keeping.keep(daemon, talk)
    assert daemon.said(talk.session) == [("user", "Hi"), ("assistant", "Hello")]
    await keeping.keep(daemon, talk)
    talk.turns += talked("More", "Yes").turns
    talk.model = "eyes"
    await keeping.keep(daemon, talk)
    assert [text for _, text in daemon.said(talk.session)] == ["Hi", "Hello", "More", "Yes"]
    assert daemon.sessions[talk.session]["model"] == "eyes"
    assert all(turn.kept for turn in talk.turns)


async def test_what_was_rewound_is_cut_off_first() -> None:
    daemon, talk = ChatDaemon(), talked("Hi", "Hello", "More", "Yes")
    await keeping.keep(daemon, talk)
    talk.rewind(talk.turns[3])
    daemon.down = True
    with pytest.raises(DaemonUnreachable):
        await keeping.keep(daemon, talk)
    daemon.down = False
    talk.turns.append(Turn("assistant", "No"))
    await keeping.keep(daemon, talk)
    assert [text for _, text in daemon.said(talk.session)] == ["Hi", "Hello", "More", "No"]
    talk.rewind(talk.turns[2])
    del daemon.messages[talk.session][2:]
    await keeping.keep(daemon, talk)
    assert talk.cut == ""


async def test_a_session_deleted_meanwhile_is_told() -> None:
    daemon, talk = ChatDaemon(), talked("Hi", "Hello")
    await keeping.keep(daemon, talk)
    await keeping.remove(daemon, talk.session)
    talk.rewind(talk.turns[1])
    with pytest.raises(NotFound):
        await keeping.keep(daemon, talk)


async def test_sessions_are_listed_searched_and_renamed() -> None:
    daemon = ChatDaemon()
    first, second = daemon.keep("Plans"), daemon.keep("工作 & more")
    assert [one["id"] for one in await keeping.sessions(daemon)] == [second, first]
    assert [one["id"] for one in await keeping.sessions(daemon, "工作 & m")] == [second]
    assert await keeping.sessions(daemon, skip=2) == []
    await keeping.rename(daemon, first, "Other")
    assert daemon.sessions[first]["title"] == "Other"
