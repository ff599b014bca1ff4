from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.abilities import Message
from llmd.chat.continuation import continued

QUESTION: Message = {"role": "user", "content": "Hi"}


def answer(content: Any, **fields: Any) -> list[Message]:
    return [QUESTION, {"role": "assistant", "content": content, **fields}]


def render(messages: list[Message]) -> str:
    return "".join(f"[{one['role']}]{one['content'].strip()}[end]" for one in messages)


def test_a_prompt_ends_behind_the_text_of_its_last_message() -> None:
    assert continued(answer("The capital"), render) == "[user]Hi[end][assistant]The capital"


def test_white_space_that_a_template_trims_stays_at_the_end() -> None:
    assert continued(answer("```json\n"), render) == "[user]Hi[end][assistant]```json\n"


def test_text_in_parts_is_continued_too() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    def joined(messages: list[Message]) -> str:
        return "".join(part["text"] for part in messages[-1]["content"]) + "[end]"

    assert continued(answer(parts), joined) == "ab"


@pytest.mark.parametrize(
    "messages",
    [
        [QUESTION],
        [],
        answer(None),
        answer("  \n"),
        answer([]),
        answer([{"type": "image"}]),
        answer("x", tool_calls=[{"function": {"name": "f"}}]),
    ],
)
def test_only_an_answer_with_text_and_without_calls_is_continued(messages: list[Message]) -> None:
    assert continued(messages, render) is None


@pytest.mark.parametrize(
    "render",
    [
        lambda messages: messages[0]["content"],
        lambda messages: messages[-1]["content"] * 2,
        lambda messages: messages[-1]["content"][:3],
        lambda messages: f"{len(messages[-1]['content'])} {messages[-1]['content']}",
    ],
    ids=["left out", "twice", "cut off", "changed before"],
)
def test_what_a_template_makes_something_else_of_is_not_continued(render: Any) -> None:
    assert continued(answer("The capital"), render) is None
