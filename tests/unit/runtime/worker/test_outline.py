from __future__ import annotations

from llmd.engine.sequence import Outline
from llmd.protocol.requests import ChatPrompt
from llmd.runtime.worker.outline import outline

SYSTEM = {"role": "system", "content": "You are brief."}
USER = {"role": "user", "content": "What is the weather?"}
TEXT = "<s>You are brief. Tools: get_weather get_time</s><u>What is the weather?</u>"


def test_the_system_prompt_ends_where_the_first_message_begins() -> None:
    assert outline(ChatPrompt([SYSTEM, USER]), TEXT) == Outline(TEXT.index("What"))


def test_tools_lie_around_their_names() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "nope")]
    found = outline(ChatPrompt([SYSTEM, USER], tools), TEXT)
    assert found.tools_start <= TEXT.index("get_weather") < found.tools_end <= found.system_end


def test_content_in_parts_is_found_by_its_first_text() -> None:
    parts = [{"type": "image"}, {"type": "text", "text": "What is the weather?"}]
    prompt = ChatPrompt([SYSTEM, {"role": "user", "content": parts}])
    assert outline(prompt, TEXT).system_end == TEXT.index("What")


def test_a_template_that_rewrites_everything_has_no_outline() -> None:
    assert outline(ChatPrompt([SYSTEM, USER]), "something else") == Outline(0)
    assert outline(ChatPrompt([{"role": "user", "content": None}]), TEXT) == Outline(0)
