from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.abilities import Abilities, Message
from llmd.chat.adaptation import adapt
from llmd.errors import InvalidRequest
from tests.unit.chat.conftest import CONVERSATION, WEATHER

USER: Message = {"role": "user", "content": "Hi"}
SYSTEM: Message = {"role": "system", "content": "Be brief."}


def adapted(*messages: Message, **abilities: bool) -> list[Message]:
    return adapt(messages, (), Abilities(**abilities))[0]


def calling(arguments: Any, call_id: str = "call_1", content: str | None = None) -> Message:
    call = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": arguments}}
    return {"role": "assistant", "content": content, "tool_calls": [call]}


def result(content: str, call_id: str = "call_1") -> Message:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def test_a_template_that_can_do_all_gets_the_messages_as_they_are() -> None:
    messages = [
        SYSTEM,
        USER,
        {"role": "assistant", "content": "Hello.", "reasoning_content": "A greeting."},
    ]
    assert adapt(messages, [WEATHER], Abilities()) == (messages, [WEATHER])


def test_parts_are_joined_by_lines_unless_the_template_takes_them() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert adapted({"role": "user", "content": parts})[0]["content"] == "a\nb"
    assert adapted({"role": "user", "content": parts}, parts=True)[0]["content"] == parts
    assert adapted({"role": "system", "content": parts}, parts=True)[0]["content"] == "a\nb"


def test_text_becomes_a_part_where_the_template_wants_parts_alone() -> None:
    assert adapted(USER, text=False, parts=True)[0]["content"] == [{"type": "text", "text": "Hi"}]


def test_a_part_that_is_no_text_is_refused_and_never_dropped() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    with pytest.raises(
        InvalidRequest, match=r"messages\[1\].content has a part of type image_url"
    ) as caught:
        adapted(SYSTEM, {"role": "user", "content": [image]})
    assert caught.value.param == "messages"


def test_an_image_is_refused_also_where_the_template_takes_parts() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    with pytest.raises(InvalidRequest, match="image_url"):
        adapted({"role": "user", "content": [image]}, parts=True)


def test_content_of_a_wrong_type_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"messages\[0\].content must be a text or a list"):
        adapted({"role": "user", "content": 3})


def test_absent_content_is_empty_text() -> None:
    assert adapted({"role": "assistant", "content": None})[0]["content"] == ""
    assert adapted({"role": "user"})[0]["content"] == ""


def test_empty_fields_are_left_out() -> None:
    message = {"role": "assistant", "content": "x", "tool_calls": [], "refusal": None, "name": None}
    assert adapted(message) == [{"role": "assistant", "content": "x"}]


def test_developer_messages_are_system_messages() -> None:
    assert adapted({"role": "developer", "content": "x"}) == [{"role": "system", "content": "x"}]


def test_arguments_become_objects_when_they_are_json_objects() -> None:
    def arguments(value: Any) -> Any:
        return adapted(calling(value))[0]["tool_calls"][0]["function"]["arguments"]

    assert arguments('{"a": 1}') == {"a": 1}
    assert arguments("") == {}
    assert arguments(None) == {}
    assert arguments({"a": 1}) == {"a": 1}


def test_arguments_that_are_no_json_object_become_the_argument_of_one() -> None:
    for broken in ('{"code": "print(', "[1]", "[" * 100_000):
        (message,) = adapted(calling(broken))
        assert message["tool_calls"][0]["function"]["arguments"] == {"arguments": broken}


def test_arguments_become_text_where_the_template_wants_text() -> None:
    def arguments(value: Any) -> Any:
        return adapted(calling(value), argument_objects=False)[0]["tool_calls"][0]["function"][
            "arguments"
        ]

    assert arguments({"a": "é"}) == '{"a": "é"}'
    assert arguments('{"a":1}') == '{"a":1}'
    assert arguments(None) == "{}"


def test_content_beside_tool_calls_is_none_or_empty_as_the_template_has_it() -> None:
    assert adapted(calling({}, content=""))[0]["content"] is None
    assert adapted(calling({}), empty_content=False)[0]["content"] == ""
    assert adapted(calling({}, content="Let me see."))[0]["content"] == "Let me see."


def test_ids_are_shortened_alike_in_call_and_result() -> None:
    call, answer = adapted(
        calling({}, "call_long_1"), result("x", "call_long_1"), any_call_id=False
    )
    short = call["tool_calls"][0]["id"]
    assert answer["tool_call_id"] == short
    assert len(short) == 9
    assert short.isalnum()
    assert adapted(result("x", "abc123DEF"), any_call_id=False)[0]["tool_call_id"] == "abc123DEF"


def test_tools_are_described_in_the_system_message_of_a_template_without_tools() -> None:
    messages, tools = adapt([SYSTEM, USER], [WEATHER], Abilities(tools=False))
    assert tools == []
    assert messages[0]["content"].startswith("Be brief.\n\nYou can call these tools")
    assert (
        '{"name": "get_weather", "description": "current weather <of> a city"'
        in messages[0]["content"]
    )
    assert adapt([USER], [WEATHER], Abilities(tools=False))[0][0]["role"] == "system"


def test_calls_and_results_become_text_for_a_template_without_tool_calls() -> None:
    messages = adapted(*CONVERSATION[1:4], tool_calls=False)
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[1]["content"] == (
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Zürich"}}\n</tool_call>'
    )
    assert messages[2]["content"] == "<tool_response>\nsunny, 21 degrees\n</tool_response>"


def test_results_that_became_text_join_what_follows_so_that_roles_alternate() -> None:
    messages = adapted(USER, calling({}), result("one"), result("two"), USER, tool_calls=False)
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[2]["content"].endswith("two\n</tool_response>\nHi")


def test_system_text_is_folded_into_the_first_user_message() -> None:
    assert adapted(SYSTEM, USER, system=False) == [{"role": "user", "content": "Be brief.\n\nHi"}]
    assert adapted(USER, system=False) == [USER]


def test_system_text_without_a_user_message_becomes_one() -> None:
    assistant = {"role": "assistant", "content": "Hello."}
    assert adapted(SYSTEM, assistant, system=False) == [
        {"role": "user", "content": "Be brief."},
        assistant,
    ]


def test_system_text_goes_before_the_parts_of_the_first_user_message() -> None:
    parts = [{"type": "text", "text": "Hi"}]
    folded = adapted(SYSTEM, {"role": "user", "content": parts}, system=False, parts=True)
    assert folded[0]["content"] == [{"type": "text", "text": "Be brief.\n\n"}, *parts]


def test_several_calls_of_one_message_take_turns_with_their_results() -> None:
    calls = [
        {"id": str(n), "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for n in (1, 2)
    ]
    both = {
        "role": "assistant",
        "content": "Let me.",
        "reasoning_content": "Both.",
        "tool_calls": calls,
    }
    made = adapted(USER, both, result("one", "1"), result("two", "2"), USER, several_calls=False)
    assert [message["role"] for message in made] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "user",
    ]
    assert [call["id"] for message in made for call in message.get("tool_calls", ())] == ["1", "2"]
    assert [made[1].get("reasoning_content"), made[3].get("reasoning_content")] == ["Both.", None]
    assert [made[2]["content"], made[4]["content"]] == ["one", "two"]
    assert len(adapted(USER, both, several_calls=False)) == 3


def test_calls_are_written_and_asked_for_as_the_model_knows_them() -> None:
    made, _ = adapt(
        [USER, calling('{"a": 1}')],
        [WEATHER],
        Abilities(tools=False, tool_calls=False),
        lambda name, arguments: f"<{name} {arguments}>",
    )
    assert "<NAME {...}>" in made[0]["content"]
    assert made[2]["content"] == '<f {"a": 1}>'


def test_an_order_that_a_template_insists_on_is_kept() -> None:
    late = adapted(SYSTEM, SYSTEM, USER, SYSTEM, USER, several_systems=False)
    assert [message["role"] for message in late] == ["system", "user", "user"]
    assert len(adapted(USER, USER, turns_in_a_row=False)) == 1
    answer = {"role": "assistant", "content": "Hello"}
    begun = adapted(SYSTEM, answer, USER, turns_in_a_row=False)
    assert [message["role"] for message in begun] == ["system", "user", "assistant", "user"]
    apart = adapted(USER, calling({}, content="Let me."), text_beside_calls=False)
    assert [message["content"] for message in apart] == ["Hi", "Let me.", None]


def test_descriptions_of_tools_join_the_one_system_message() -> None:
    abilities = Abilities(tools=False, several_systems=False)
    messages, _ = adapt(
        [SYSTEM, {"role": "developer", "content": "Be kind."}], [WEATHER], abilities
    )
    (message,) = messages
    assert message["content"].startswith("Be brief.\n\nBe kind.\n\nYou can call these tools")
