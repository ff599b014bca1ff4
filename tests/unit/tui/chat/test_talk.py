from __future__ import annotations

from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Call, Turn, TurnState


def talked(*texts: str, kept: bool = False) -> Talk:
    """Return a talk of questions and answers in turn."""
    talk = Talk(session="s" if kept else "", title="Title")
    for place, text in enumerate(texts):
        turn = Turn("assistant" if place % 2 else "user", text)
        turn.kept = f"m{place}" if kept else ""
        talk.turns.append(turn)
    return talk


def said(talk: Talk) -> list[str]:
    return [message["content"] for message in talk.messages({})]


def failed(talk: Talk) -> Turn:
    turn = talk.begin("m", "t")
    turn.end(TurnState.BROKEN)
    return turn


def test_the_last_system_prompt_holds_and_leads() -> None:
    talk = talked("Hi", "Hello")
    assert talk.set_system("") is None
    talk.set_system("Be kind.")
    talk.say("More")
    assert talk.set_system("Be kind.") is None
    talk.set_system("Be terse.")
    talk.set_system("Be silent.")
    assert [turn.text for turn in talk.turns] == ["Hi", "Hello", "Be kind.", "More", "Be silent."]
    assert talk.messages({})[0] == {"role": "system", "content": "Be silent."}
    assert said(talk) == ["Be silent.", "Hi", "Hello", "More"]
    talk.set_system("")
    assert said(talk) == ["Hi", "Hello", "More"]


def test_a_question_without_an_answer_is_left_out_of_what_follows() -> None:
    talk = talked("Hi", "Hello")
    lost = talk.say("Too long")
    failed(talk)
    assert said(talk) == ["Hi", "Hello", "Too long"]
    talk.say("Short")
    assert lost.left_out
    assert said(talk) == ["Hi", "Hello", "Short"]
    talk.begin("m", "t").text = "Yes"
    talk.turns[-1].end(TurnState.DONE)
    assert [turn.text for turn in talk.unkept()] == ["Hi", "Hello", "Short", "Yes"]


def test_only_whole_exchanges_are_kept() -> None:
    talk = talked("Hi", "Hello", kept=True)
    assert talk.unkept() == []
    talk.say("More")
    answer = talk.begin("m", "t")
    assert talk.answer is answer
    assert talk.unkept() == []
    answer.text = "Part"
    assert talk.unkept() == []
    answer.end(TurnState.STOPPED)
    assert talk.answer is None
    assert [turn.text for turn in talk.unkept()] == ["More", "Part"]


def test_rewinding_remembers_from_where_the_session_is_cut() -> None:
    talk = talked("a", "b", "c", "d", kept=True)
    talk.rewind(talk.turns[3])
    assert talk.cut == "m3"
    talk.begin("m", "t").text = "new"
    talk.rewind(talk.turns[3])
    assert talk.cut == "m3"
    talk.rewind(talk.turns[1])
    assert (talk.cut, said(talk)) == ("m1", ["a"])


def test_a_fork_has_what_was_said_before_and_is_not_kept() -> None:
    talk = talked("a", "b", "c", "d", kept=True)
    assert [talk.after(turn) for turn in talk.turns] == [1, 1, 0, 0]
    fork = talk.fork(talk.turns[2])
    assert (said(fork), fork.title, fork.session) == (["a", "b"], "Title (edited)", "")
    assert [turn.kept for turn in fork.turns] == ["", ""]
    assert [turn.kept for turn in talk.turns] == ["m0", "m1", "m2", "m3"]
    assert fork.fork(fork.turns[1]).title == "Title (edited)"


def test_what_is_said_after_a_call_is_its_result() -> None:
    talk = talked("Add", "")
    talk.turns[1].calls = [Call("a", "add", "{}"), Call("b", "now", "{}")]
    assert talk.asked_call == Call("a", "add", "{}")
    assert talk.say("3").call_id == "a"
    assert talk.asked_call == Call("b", "now", "{}")
    assert talk.say("noon").role == "tool"
    assert talk.asked_call is None
    assert [m["role"] for m in talk.messages({})] == ["user", "assistant", "tool", "tool"]
    failed(talk)
    assert talk.say("Then?").role == "user"
    assert not talk.turns[3].left_out


def test_pictures_go_with_the_next_question_alone() -> None:
    talk = Talk(images=["/a.png"])
    assert talk.say("What?").images == ["/a.png"]
    assert talk.images == []


def test_the_question_of_a_turn_is_found() -> None:
    talk = talked("a", "b", "c", "d")
    asked = [talk.question(turn) for turn in talk.turns]
    assert asked == [talk.turns[0], talk.turns[0], talk.turns[2], talk.turns[2]]
    assert talk.question() is talk.last_said() is talk.turns[2]
    assert Talk().question() is Talk().last_said() is None
