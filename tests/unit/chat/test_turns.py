from __future__ import annotations

from typing import Any

from llmd.chat.abilities import Message
from llmd.chat.turns import one_system, taking_turns, text_apart, user_first


def said(role: str, content: Any, **fields: Any) -> Message:
    return {"role": role, "content": content, **fields}


RULES, MORE = said("system", "rules"), said("system", "more")
QUESTION, ANSWER = said("user", "question"), said("assistant", "answer")
CALL = said("assistant", "", tool_calls=[{"function": {"name": "f"}}])
RESULT = said("tool", "result")


def test_instructions_that_lead_become_one() -> None:
    assert one_system([RULES, MORE, QUESTION]) == [said("system", "rules\n\nmore"), QUESTION]
    assert one_system([QUESTION]) == [QUESTION]
    assert one_system([RULES]) == [RULES]


def test_later_instructions_are_said_by_the_user() -> None:
    made = one_system([RULES, QUESTION, ANSWER, MORE, MORE, QUESTION])
    assert made == [RULES, QUESTION, ANSWER, said("user", "more\n\nmore\n\nquestion")]
    assert one_system([QUESTION, MORE, ANSWER]) == [QUESTION, said("user", "more"), ANSWER]
    assert one_system([QUESTION, MORE]) == [QUESTION, said("user", "more")]


def test_pictures_stay_behind_instructions() -> None:
    parts = [{"type": "text", "text": "look"}, {"type": "image"}]
    made = one_system([QUESTION, MORE, said("user", parts)])
    told = [{"type": "text", "text": "more"}, {"type": "text", "text": "\n\n"}]
    assert made[1:] == [said("user", [*told, *parts])]


def test_neighbours_of_one_role_become_one() -> None:
    made = taking_turns([RULES, QUESTION, QUESTION, ANSWER, ANSWER, QUESTION])
    assert made == [
        RULES,
        said("user", "question\n\nquestion"),
        said("assistant", "answer\n\nanswer"),
        QUESTION,
    ]


def test_calls_stay_messages_of_their_own() -> None:
    talk = [QUESTION, CALL, RESULT, CALL, RESULT, RESULT, ANSWER]
    assert taking_turns(talk) == talk


def test_a_user_speaks_behind_an_answer_and_not_behind_a_result() -> None:
    made = taking_turns([QUESTION, CALL, RESULT, QUESTION])
    assert [turn["role"] for turn in made] == ["user", "assistant", "tool", "assistant", "user"]
    assert not made[3]["content"].strip()


def test_the_user_begins_a_conversation_and_may_have_nothing_to_say() -> None:
    for talk in ([QUESTION, ANSWER], [RULES, QUESTION], [RULES], []):
        assert user_first(talk) == talk
    for talk in ([ANSWER, QUESTION], [CALL, RESULT], [ANSWER]):
        begun, *rest = user_first(talk)
        assert (begun["role"], begun["content"].strip(), rest) == ("user", "", talk)
        assert user_first([RULES, *talk]) == [RULES, begun, *talk]


def test_text_comes_before_calls_in_a_message_of_its_own() -> None:
    both = {**CALL, "content": "Let me.", "reasoning_content": "Hm."}
    assert text_apart([QUESTION, both, RESULT, CALL, ANSWER]) == [
        QUESTION,
        said("assistant", "Let me."),
        {**CALL, "reasoning_content": "Hm."},
        RESULT,
        CALL,
        ANSWER,
    ]
