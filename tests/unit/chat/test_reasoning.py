from __future__ import annotations

import pytest

from llmd.chat.reader import AnswerReader, Layout
from llmd.chat.reasoning import (
    APERTUS,
    APRIEL,
    COMMAND_R,
    GEMMA,
    HARMONY,
    HUNYUAN,
    KIMI_K3,
    MINIMAX,
    MISTRAL,
    MUSE,
    SEED,
    SOLAR,
    THINK,
    Thinking,
    efforts,
    find_thinking,
    switches,
    thinking_of,
)
from llmd.chat.tools.hermes import FORMAT
from llmd.protocol.requests import Reasoning
from tests.unit.chat.conftest import SOURCES


def read(
    text: str, thinking: Thinking = THINK, opened: str = "", *, separate: bool = True
) -> tuple[str, str]:
    layout = Layout(FORMAT, thinking=thinking, opened=opened, separate=separate)
    reader = AnswerReader(layout, frozenset(), str)
    portions = [reader.push(character) for character in text] + [reader.close()]
    return (
        "".join(portion.reasoning for portion in portions),
        "".join(portion.text for portion in portions),
    )


@pytest.mark.parametrize(
    ("text", "opened", "reasoning", "answer"),
    [
        ("I'm\nthinking\n</think>\n\nHello!\nYou?", "<think>\n", "I'm\nthinking", "Hello!\nYou?"),
        ("<think>I'm\nthinking</think>Hello!", "", "I'm\nthinking", "Hello!"),
        ("\n<think>\nhm\n</think>\nHello!", "", "hm", "Hello!"),
        ("</think>Hello!", "<think>", "", "Hello!"),
        ("<think>\n\n</think>\n\nHello!", "", "", "Hello!"),
        ("<think>no end", "", "no end", ""),
        ("no end ", "<think>", "no end", ""),
        ("Hello <think>not</think>", "", "", "Hello <think>not</think>"),
        ("\n Hello", "", "", "\n Hello"),
        ("<thin", "", "", "<thin"),
        ("<think>a </thi</think>b</think>", "", "a </thi", "b</think>"),
    ],
)
def test_reasoning_is_kept_apart_from_the_answer(
    text: str, opened: str, reasoning: str, answer: str
) -> None:
    assert read(text, opened=opened) == (reasoning, answer)


@pytest.mark.parametrize(
    "thinking",
    [SEED, MISTRAL, COMMAND_R, APRIEL, APERTUS, HUNYUAN, KIMI_K3, SOLAR],
    ids=lambda style: style.opening,
)
def test_every_family_has_marks_of_its_own(thinking: Thinking) -> None:
    text = f"{thinking.opening}hm{thinking.closing}Hello!"
    assert read(text, thinking) == ("hm", "Hello!")


def test_reasoning_can_stay_in_the_answer_as_it_was_written() -> None:
    assert read(" <think>\nhm </think>\n\nHi", separate=False)[1] == " <think>\nhm </think>\n\nHi"
    assert read("hm\n</think>\nHi", opened="<think>\n", separate=False)[1] == (
        "<think>\nhm\n</think>\nHi"
    )


def test_a_prompt_tells_whether_it_ends_inside_reasoning() -> None:
    assert THINK.opened("hi<think>\n") == "<think>\n"
    assert THINK.opened("hi<think>") == "<think>"
    assert THINK.opened("<think>\n\n</think>\n\n") == ""
    assert THINK.opened("") == ""


@pytest.mark.parametrize(
    ("prompt", "closed"),
    [
        ("hi", "hi<think>\n\n</think>\n\n"),
        ("hi<think>\n", "hi<think>\n\n</think>\n\n"),
        ("hi<think>\n\n</think>\n\n", "hi<think>\n\n</think>\n\n"),
    ],
)
def test_a_prompt_is_closed_by_hand(prompt: str, closed: str) -> None:
    assert THINK.closed(prompt) == closed
    assert HARMONY.closed("hi") == "hi"


def test_the_template_or_the_vocabulary_tells_how_a_model_reasons() -> None:
    found = {
        name: find_thinking(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()
    }
    assert found["Qwen-Qwen3-0.6B"] is THINK
    assert found["ByteDance-Seed-OSS"] is SEED
    assert found["google-gemma-4-31B-it"] is GEMMA
    assert found["openai-gpt-oss-120b"] is HARMONY
    assert found["MiniMax-M3"] is MINIMAX
    assert found["muse-glimmer"] is MUSE
    assert found["deepseek-ai-DeepSeek-V3.2"] is THINK
    assert found["CohereForAI-c4ai-command-r7b-12-2024-tool_use"] is COMMAND_R
    assert found["Apertus-8B-Instruct"] is APERTUS
    assert found["Kimi-K3"] is KIMI_K3
    assert found["tencent-Hy3"] is HUNYUAN
    assert found["upstage-Solar-Open-100B"] is SOLAR
    assert found["meta-llama-Llama-3.1-8B-Instruct"] is None
    assert find_thinking("in this format: [BEGIN FINAL RESPONSE] ...") is APRIEL
    assert thinking_of(lambda text: text in {"<think>", "</think>"}) is THINK
    assert thinking_of(lambda text: text == "<think>") is None


def test_a_template_is_told_in_its_own_words() -> None:
    off, on = Reasoning(enabled=False), Reasoning(enabled=True)
    assert switches({"enable_thinking", "tools"}, off) == {"enable_thinking": False}
    assert switches({"thinking"}, on) == {"thinking": True}
    assert switches({"reasoning_effort"}, off) == {"reasoning_effort": "low"}
    assert switches({"reasoning_effort"}, on) == {}
    assert switches({"thinking_budget"}, Reasoning(budget=512)) == {"thinking_budget": 512}
    assert switches({"thinking_budget"}, off) == {"thinking_budget": 0}
    assert switches({"thinking_text"}, off) == {}
    assert switches({"enable_thinking"}, Reasoning()) == {}
    assert switches({"thinking_mode"}, off) == {"thinking_mode": "disabled"}
    assert switches({"thinking_mode"}, on) == {"thinking_mode": "enabled"}
    assert switches({"reasoning_strength"}, off) == {"reasoning_strength": "low"}


def test_effort_has_other_names_too() -> None:
    asked = {"reasoning_effort": "high"}
    assert efforts({"reasoning_strength"}, asked) == {"reasoning_strength": "high"}
    assert efforts({"reasoning_effort"}, asked) == {}
    assert efforts({"reasoning_strength"}, {}) == {}


def test_an_answer_without_reasoning_may_begin_with_its_end() -> None:
    assert read("</mm:think>Hello!", MINIMAX) == ("", "Hello!")
    assert read(" </mm:think>\nHello!", MINIMAX) == ("", "Hello!")
    assert read("</mm:think>Hello!", MINIMAX, separate=False)[1] == "</mm:think>Hello!"
    assert read("</think>Hello!") == ("", "</think>Hello!")
