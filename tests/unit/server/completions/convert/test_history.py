from __future__ import annotations

import random

import msgspec
import pytest

from llmd.protocol.sessions import NewMessage, Picture
from llmd.server.completions import schema
from llmd.server.completions.convert import history


def messages(said: str) -> list[schema.Message]:
    """Messages out of `u:hello a:hi`."""
    roles = {"s": "system", "d": "developer", "u": "user", "a": "assistant"}
    pairs = [word.split(":") for word in said.split()]
    return [
        msgspec.convert({"role": roles[role], "content": text}, schema.Message)
        for role, text in pairs
    ]


def shown(found: list[schema.Message]) -> str:
    return " ".join(f"{one.role[0]}:{one.content}" for one in found)


@pytest.mark.parametrize(
    ("kept", "asked", "whole", "new"),
    [
        ("", "u:1", "u:1", "u:1"),
        ("", "s:x u:1", "s:x u:1", "s:x u:1"),
        ("u:1 a:2", "u:3", "u:1 a:2 u:3", "u:3"),
        ("u:1 a:2", "u:1 a:2 u:3", "u:1 a:2 u:3", "u:3"),
        # the newest part of it, as clients send that keep ten messages
        ("u:1 a:2 u:3 a:4", "u:3 a:4 u:5", "u:1 a:2 u:3 a:4 u:5", "u:5"),
        ("u:1 a:2 u:3 a:4", "a:4 u:5", "u:1 a:2 u:3 a:4 u:5", "u:5"),
        # the same words again are new words
        ("u:1 a:2", "u:1", "u:1 a:2 u:1", "u:1"),
        ("u:1 a:2 u:1", "u:1", "u:1 a:2 u:1 u:1", "u:1"),
        # somebody wrote the question into the session before
        ("u:1", "u:1", "u:1", ""),
        # instructions lead, and are kept where they began it
        ("s:x u:1 a:2", "s:x u:3", "s:x u:1 a:2 u:3", "u:3"),
        ("s:x u:1 a:2", "u:3", "s:x u:1 a:2 u:3", "u:3"),
        ("s:x u:1 a:2", "s:y u:3", "s:y u:1 a:2 u:3", "u:3"),
        ("u:1 a:2", "s:y u:3", "s:y u:1 a:2 u:3", "u:3"),
        ("s:x u:1 a:2", "d:x u:1 a:2 u:3", "d:x u:1 a:2 u:3", "u:3"),
        # a conversation of its own stands behind what is kept
        ("u:1 a:2", "u:8 a:9 u:3", "u:1 a:2 u:8 a:9 u:3", "u:8 a:9 u:3"),
        ("u:1 a:2", "u:1 a:2", "u:1 a:2", ""),
    ],
)
def test_what_is_kept_and_what_is_asked_make_one_conversation(
    kept: str, asked: str, whole: str, new: str
) -> None:
    found = history.joined(messages(kept), messages(asked))
    assert shown(found.messages) == whole
    assert shown(found.new) == new


def test_the_longest_part_that_comes_again_is_found() -> None:
    rng = random.Random(7)
    for _ in range(300):
        kept = [rng.choice(["u:1", "a:1", "a:2"]) for _ in range(rng.randrange(8))]
        asked = [rng.choice(["u:1", "a:1", "a:2"]) for _ in range(rng.randrange(1, 8))]
        found = history.joined(messages(" ".join(kept)), messages(" ".join(asked)))
        counts = [n for n in range(1, 9) if n <= len(kept) and kept[-n:] == asked[:n]]
        longest = max(counts, default=0)
        if longest < len(kept) and not any(one[0] == "a" for one in asked[:longest]):
            longest = 0
        assert shown(found.messages) == " ".join([*kept, *asked[longest:]])
        assert shown(found.new) == " ".join(asked[longest:])


def test_blanks_around_a_text_make_it_no_other() -> None:
    kept = [schema.Message("user", "hello"), schema.Message("assistant", " hi\n")]
    again = [schema.Message("user", "hello "), schema.Message("assistant", "hi")]
    assert history.joined(kept, [*again, schema.Message("user", "x")]).new == [
        schema.Message("user", "x")
    ]


def test_calls_of_tools_are_kept_and_recalled() -> None:
    call = schema.ToolCall(schema.FunctionCall("look", "{}"), "call_1")
    asked = schema.Message("assistant", None, tool_calls=[call])
    answer = schema.Message("tool", "42", tool_call_id="call_1")
    for message in (asked, answer):
        kept = history.kept_form(message)
        back = history.recalled(kept)
        assert (back.role, back.tool_calls, back.tool_call_id) == (
            message.role,
            message.tool_calls,
            message.tool_call_id,
        )
    assert history.joined([asked], [schema.Message("assistant", "")]).new != []


def test_pictures_are_counted_and_not_kept() -> None:
    parts = [
        schema.Part("text", "What is 这个?"),
        schema.Part("image_url", image_url="data:image/png;base64,AAAA"),
    ]
    kept = history.kept_form(schema.Message("user", parts))
    assert (kept.content, kept.metadata_info) == ("What is 这个?", {"media": 1})
    again = history.joined([history.recalled(kept)], [schema.Message("user", parts)])
    assert again.new == []
    assert again.messages[0].content == parts  # what the client sends again has its pictures


def test_old_names_of_roles_are_kept_as_todays() -> None:
    assert history.kept_form(schema.Message("function", "1")).role == "tool"


@pytest.mark.parametrize(
    "told", [{"tool_calls": "nonsense"}, {"name": 7}, {"tool_calls": [{"function": {}}]}]
)
def test_what_clients_wrote_into_metadata_breaks_nothing(told: dict[str, object]) -> None:
    found = history.recalled(NewMessage(role="user", content="x", metadata_info=told))
    assert found == schema.Message("user", "x")


def test_empty_instructions_mean_none() -> None:
    kept = [schema.Message("system", "Be brief."), schema.Message("user", "a")]
    nothing = schema.Message("system", " ")
    asked = schema.Message("user", "b")
    assert history.joined(kept, [nothing, asked]).messages == [kept[1], asked]
    assert history.joined([], [nothing, asked]) == ([asked], [asked])
    assert history.joined(kept, []) == (kept, [])


def test_a_message_gets_its_pictures_back() -> None:
    picture = Picture("image/gif", b"GIF8")
    shown = history.pictured(schema.Message("user", "What?"), [picture, picture])
    assert isinstance(shown.content, list)
    assert [part.type for part in shown.content] == ["text", "image_url", "image_url"]
    assert shown.content[1].image_url == schema.ImageUrl("data:image/gif;base64,R0lGOA==")
    alone = history.pictured(schema.Message("user", ""), [picture])
    assert isinstance(alone.content, list)
    assert [part.type for part in alone.content] == ["image_url"]
    plain = schema.Message("user", "x")
    assert history.pictured(plain, []) is plain
