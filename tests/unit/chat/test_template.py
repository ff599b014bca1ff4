from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Template
from jinja2.ext import loopcontrols
from jinja2.sandbox import SandboxedEnvironment

from llmd.chat.reader import AnswerReader
from llmd.chat.reasoning import THINK
from llmd.chat.sandbox import GenerationBlock, refuse, to_json
from llmd.chat.template import ChatTemplate, Rendering, local_time
from llmd.errors import InvalidRequest
from llmd.protocol.requests import ChatPrompt, Reasoning, ToolChoice
from tests.unit.chat.conftest import CONVERSATION, SOURCES, WEATHER, noon, template

HELLO = [{"role": "user", "content": "Hello"}]


@cache
def plain_jinja(source: str) -> Template:
    """Compile as Hugging Face does, without any of llmd's bounds."""
    environment = SandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, GenerationBlock]
    )
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = noon().strftime
    return environment.from_string(source)


def by_plain_jinja(source: str, messages: list[dict[str, Any]], **variables: Any) -> str:
    """Render without llmd's bounds."""
    special = {"bos_token": "<s>", "eos_token": "</s>", "documents": None, "tools": None}
    return plain_jinja(source).render(messages=messages, **(special | variables))


def test_every_published_template_renders_everything_that_was_said(published: ChatTemplate) -> None:
    prompt = published.render(CONVERSATION, [WEATHER])
    wanted = (
        "Be brief.",
        "Weather in",
        "Zürich?",
        "get_weather",
        "sunny, 21 degrees",
        "It is sunny.",
        "Thanks!",
    )
    assert [text for text in wanted if text not in prompt] == []
    assert '{"city": "Zürich"}' in prompt or "Zürich" in prompt.split("Zürich?")[1]


def said(*turns: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"role": role, "content": content} for role, content in turns]


@pytest.mark.parametrize(
    "turns",
    [
        (("system", "one"), ("developer", "two"), ("user", "three")),
        (("user", "one"), ("assistant", "two"), ("system", "three"), ("user", "four")),
        (("system", "one"), ("user", "two"), ("system", "three")),
        (("user", "one"), ("user", "two"), ("assistant", "three"), ("user", "four")),
        (("user", "one"), ("assistant", "two"), ("assistant", "three"), ("user", "four")),
        (("assistant", "one"), ("user", "two"), ("assistant", "three"), ("user", "four")),
    ],
    ids=["instructions", "late", "last", "questions", "answers", "greeting"],
)
def test_every_published_template_renders_turns_in_any_order(
    published: ChatTemplate, turns: tuple[tuple[str, str], ...]
) -> None:
    prompt = published.render(said(*turns))
    assert [text for _, text in turns if text not in prompt] == []


def test_every_published_template_lets_the_user_interrupt_calls(published: ChatTemplate) -> None:
    prompt = published.render([*CONVERSATION[:4], *said(("user", "Stop that!"))], [WEATHER])
    assert "sunny, 21 degrees" in prompt
    assert prompt.index("Stop that!") > prompt.index("sunny, 21 degrees")


def test_solar_sees_what_it_thought_before_its_calls() -> None:
    made = template(SOURCES["upstage-Solar-Open-100B"].read_text(encoding="utf-8"))
    calling = {**CONVERSATION[2], "reasoning_content": "Hm."}
    prompt = made.render([*CONVERSATION[:2], calling, CONVERSATION[3]], [WEATHER])
    assert "<|think|>Hm.<|end|><|begin|>assistant<|tool_calls|>" in prompt


def test_text_beside_a_call_leaves_neither_out(published: ChatTemplate) -> None:
    calling = {**CONVERSATION[2], "content": "Let me look."}
    prompt = published.render([*CONVERSATION[:2], calling, CONVERSATION[3]], [WEATHER])
    assert "Zürich" in prompt.split("Zürich?")[1]
    assert "sunny, 21 degrees" in prompt
    assert "Let me look." in prompt


def test_a_conversation_goes_on_after_a_call_that_was_cut_off(published: ChatTemplate) -> None:
    call = {
        "id": "call_00000001",
        "type": "function",
        "function": {"name": "get weather!", "arguments": '{"city": "Zür'},
    }
    result = {"role": "tool", "tool_call_id": "call_00000001", "content": "broken arguments"}
    talk = [HELLO[0], {"role": "assistant", "content": None, "tool_calls": [call]}, result]
    prompt = published.render(talk, [WEATHER])
    assert [
        text for text in ("get weather!", "Zür", "broken arguments") if text not in prompt
    ] == []


def test_no_published_template_is_said_to_be_broken(published: ChatTemplate) -> None:
    assert published.abilities.text
    assert published.render(HELLO)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("generation_prompt", [True, False])
def test_bounds_change_nothing_in_what_is_rendered(name: str, *, generation_prompt: bool) -> None:
    source = SOURCES[name].read_text(encoding="utf-8")
    messages = [*HELLO, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Bye"}]
    bounded = template(source)
    tools = None if bounded.abilities.absent_tools else []
    expected = by_plain_jinja(
        source, messages, tools=tools, add_generation_prompt=generation_prompt
    )
    assert bounded.render(messages, add_generation_prompt=generation_prompt) == expected


def test_built_in_model_gets_chatml_with_tools_in_the_system_turn(tiny: ChatTemplate) -> None:
    assert tiny.render(CONVERSATION, [WEATHER]) == (
        "<|im_start|>system\nBe brief.\nTools:\n"
        + json.dumps(WEATHER["function"], ensure_ascii=False)
        + "<|im_end|>\n"
        "<|im_start|>user\nWeather in\nZürich?<|im_end|>\n"
        '<|im_start|>assistant\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Zürich"}}\n</tool_call>'
        "<|im_end|>\n"
        "<|im_start|>user\n<tool_response>sunny, 21 degrees</tool_response><|im_end|>\n"
        "<|im_start|>assistant\nIt is sunny.<|im_end|>\n"
        "<|im_start|>user\nThanks!<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_cases_of_the_built_in_model_render_as_they_did_in_training(tiny: ChatTemplate) -> None:
    source = SOURCES["llmd-tiny"].read_text(encoding="utf-8")
    cases = Path(__file__).parents[2] / "data/llmd-tiny-cases.jsonl"
    for case in map(json.loads, cases.read_text(encoding="utf-8").splitlines()):
        arguments = {"enable_thinking": case["enable_thinking"]}
        expected = by_plain_jinja(
            source, case["messages"], tools=case["tools"], add_generation_prompt=True, **arguments
        )
        assert tiny.render(case["messages"], case["tools"], arguments=arguments) == expected


@pytest.mark.parametrize("thinking", [True, False])
def test_enable_thinking_reaches_the_template(tiny: ChatTemplate, *, thinking: bool) -> None:
    prompt = tiny.render(HELLO, arguments={"enable_thinking": thinking})
    assert prompt.endswith("<|im_start|>assistant\n<think>\n") is thinking


def test_arguments_may_not_replace_what_llmd_sets(tiny: ChatTemplate) -> None:
    with pytest.raises(InvalidRequest, match="may not set messages") as caught:
        tiny.render(HELLO, arguments={"messages": []})
    assert caught.value.param == "chat_template_kwargs"


def test_a_refusal_carries_the_words_of_the_template() -> None:
    qwen = template(SOURCES["Qwen3.5-4B"].read_text(encoding="utf-8"))
    with pytest.raises(InvalidRequest, match="No user query found in messages") as caught:
        qwen.render([{"role": "assistant", "content": "Hi"}])
    assert caught.value.param == "messages"


def test_no_messages_are_refused(tiny: ChatTemplate) -> None:
    with pytest.raises(InvalidRequest, match="messages is empty"):
        tiny.render([])


def test_a_source_that_does_not_compile_is_reported_when_it_is_used() -> None:
    broken = template("{% for m in messages %}\n{{ m.content }")
    with pytest.raises(InvalidRequest, match=r"cannot render these messages: .*line 2"):
        broken.render(HELLO)


def test_a_mistake_in_the_source_is_the_templates_fault_and_no_crash() -> None:
    with pytest.raises(InvalidRequest, match="cannot render these messages: division by zero"):
        template("{{ 1 / 0 }}").render(HELLO)


def test_tools_are_none_when_there_are_none() -> None:
    assert template("{{ tools is none }}{{ messages[0].content }}").render(HELLO) == "TrueHello"


def test_firefunction_gets_tools_and_date_as_texts() -> None:
    made = template("{{ messages[0].content + functions + ' ' + datetime }}")
    assert made.render(HELLO) == "Hello Mar 01 2026"
    text = made.render(HELLO, [WEATHER])
    assert json.loads(text.removeprefix("Hello").removesuffix("Mar 01 2026")) == [WEATHER]
    assert template("{{ functions is defined }}{{ messages[0].content }}").render(HELLO) == (
        "FalseHello"
    )


def test_the_date_is_the_one_of_the_clock_passed_in() -> None:
    dated = template("{{ strftime_now('%d %b %Y') }} {{ messages[0].content }}")
    assert dated.render(HELLO) == "01 Mar 2026 Hello"
    assert local_time().tzinfo is not None


def test_rendering_leaves_the_messages_as_they_were(published: ChatTemplate) -> None:
    messages, tools = json.loads(json.dumps(CONVERSATION)), json.loads(json.dumps([WEATHER]))
    published.render(messages, tools)
    assert messages == CONVERSATION
    assert tools == [WEATHER]


def test_the_files_own_template_comes_before_any_fallback() -> None:
    own = ChatTemplate.choose("{{ messages[0].content }}", lambda _: True, bos="", eos="")
    assert own.render(HELLO) == "Hello"
    assert own.stops == ()


def test_a_vocabulary_without_markers_gets_plain_text_and_a_stop() -> None:
    plain = ChatTemplate.choose(None, lambda _: False, bos="", eos="")
    assert plain.render(HELLO) == "User: Hello\nAssistant:"
    assert plain.stops == ("\nUser:",)


def test_jinja_undefined_is_silent_as_hugging_face_has_it() -> None:
    assert template("{{ messages[0].content }}{{ nothing }}").render(HELLO) == "Hello"


def chat(**wishes: Any) -> ChatPrompt:
    return ChatPrompt([{"role": "user", "content": "Hi"}], **wishes)


def published_template(name: str) -> ChatTemplate:
    return template(SOURCES[name].read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "enabled", "end"),
    [
        ("Qwen-Qwen3-0.6B", False, "<think>\n\n</think>\n\n"),
        ("Qwen-Qwen3-0.6B", None, "<|im_start|>assistant\n"),
        ("Qwen3.5-4B", False, "<think>\n\n</think>\n\n"),
        ("Qwen3.5-4B", None, "<think>\n"),
        ("MiniMax-M2", False, "<think>\n\n</think>\n\n"),
        ("MiniMax-M2", True, "<think>\n"),
        ("deepseek-ai-DeepSeek-V3.1", True, "<think>"),
        ("deepseek-ai-DeepSeek-V3.1", False, "<think></think>"),
        ("google-gemma-4-31B-it", True, "<|turn>model\n"),
        ("google-gemma-4-31B-it", False, "<|channel>thought\n<channel|>"),
        ("ibm-granite-granite-3.3-2B-Instruct", False, "<|end_of_role|>"),
        ("LFM2.5-Instruct", False, "<think>\n\n</think>\n\n"),
        ("openai-gpt-oss-120b", False, "<|start|>assistant"),
        (
            "ByteDance-Seed-OSS",
            False,
            "directly start answering the question.</seed:cot_budget_reflect>\n</seed:think>",
        ),
        ("microsoft-Phi-3.5-mini-instruct", False, "<|assistant|>\n"),
    ],
)
def test_reasoning_is_switched_as_the_model_knows_it(
    name: str, enabled: bool | None, end: str
) -> None:
    made = published_template(name)
    prompt = made.prompt(chat(reasoning=Reasoning(enabled=enabled)))
    assert prompt.text.endswith(end)
    if made.thinking and enabled is False:
        assert not made.layout(chat(), prompt).opened


def test_a_model_that_cannot_but_reason_is_asked_to_do_little() -> None:
    made = published_template("openai-gpt-oss-120b")
    assert "Reasoning: medium" in made.prompt(chat()).text
    assert "Reasoning: low" in made.prompt(chat(reasoning=Reasoning(enabled=False))).text


@pytest.mark.parametrize(
    "talk",
    ["{# thinking #}", "You are thinking.", "{{ messages[0].thinking }}"],
    ids=["comment", "text", "field"],
)
def test_a_word_is_no_switch(talk: str) -> None:
    made = template(talk + "{{ messages[0].content }}{{ '<think>' if 0 }}")
    prompt = made.prompt(chat(reasoning=Reasoning(enabled=False)))
    assert prompt.text.endswith("<think>\n\n</think>\n\n")


def test_the_layout_of_an_answer_follows_from_the_request() -> None:
    made = published_template("Qwen3.5-4B")
    other = {"type": "function", "function": {"name": "other", "strict": True}}
    asked = chat(
        tools=[WEATHER, other],
        tool_choice=ToolChoice("named", "other", parallel=False),
        reasoning=Reasoning(separate=False, budget=0),
    )
    layout = made.layout(asked, made.prompt(asked))
    assert [tool.name for tool in layout.offer.tools] == ["other"]
    assert (layout.parallel, layout.separate, layout.reasons) == (False, False, False)
    assert layout.opened == "<think>\n"
    plain = Rendering("")
    assert made.layout(chat(tools=[WEATHER]), plain).offer.has("get_weather")
    assert not made.layout(chat(tools=[WEATHER], tool_choice=ToolChoice("none")), plain).offer.tools


def test_tools_that_a_template_cannot_describe_are_described_by_llmd() -> None:
    made = published_template("NousResearch-Hermes-3-Llama-3.1-8B-tool_use")
    function: dict[str, Any] = {
        "name": "f",
        "parameters": {"type": "object", "properties": {"n": {"type": ["integer", "null"]}}},
    }
    prompt = made.render(HELLO, [{"type": "function", "function": function}])
    assert "You can call these tools" in prompt
    assert json.dumps(function) in prompt
    assert "You can call these tools" not in made.render(HELLO, [WEATHER])


def test_strictness_is_none_of_the_models_business() -> None:
    function = {**WEATHER["function"], "strict": True}
    made = published_template("Qwen-Qwen3-0.6B")
    strict = made.prompt(chat(tools=[{"type": "function", "function": function}]))
    assert strict == made.prompt(chat(tools=[WEATHER]))


def test_the_vocabulary_may_tell_of_reasoning_that_the_template_does_not() -> None:
    source = "{% for m in messages %}{{ m.content }}{% endfor %}"
    for known in (True, False):
        made = ChatTemplate.choose(source, lambda text, known=known: known, bos="", eos="")
        assert (made.thinking is not None) is known


def test_gpt_oss_knows_reasoning_by_another_name() -> None:
    made = published_template("openai-gpt-oss-120b")
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "reasoning_content": "Hm.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
    ]
    assert "<|channel|>analysis<|message|>Hm.<|end|>" in made.render(messages)


def begun(content: object = "The capital of ", **wishes: Any) -> ChatPrompt:
    return ChatPrompt([*HELLO, {"role": "assistant", "content": content}], **wishes)


def test_every_published_template_continues_an_answer_that_was_begun(
    published: ChatTemplate,
) -> None:
    for enabled in (None, False):
        asked = begun(reasoning=Reasoning(enabled=enabled))
        prompt = published.prompt(asked)
        assert prompt.continues
        assert prompt.text.endswith("The capital of ")
        layout = published.layout(asked, prompt)
        assert (layout.opened, layout.thinking, layout.form.answer) == ("", None, "")


def test_an_answer_is_closed_where_it_shall_not_be_continued() -> None:
    made = published_template("Qwen-Qwen2.5-7B-Instruct")
    closed = made.prompt(begun(continue_final_message=False))
    assert closed == Rendering(made.render(begun().messages))
    assert closed.text.endswith("The capital of <|im_end|>\n<|im_start|>assistant\n")


def test_what_cannot_be_continued_is_closed_or_refused() -> None:
    drops = template("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}")
    assert drops.prompt(begun()) == Rendering("Hello")
    for made, messages in ((drops, begun().messages), (template("{{ messages }}"), HELLO)):
        with pytest.raises(InvalidRequest, match="cannot be continued") as caught:
            made.prompt(ChatPrompt(messages, continue_final_message=True))
        assert caught.value.param == "continue_final_message"


def test_reasoning_is_not_closed_behind_a_text_that_goes_on() -> None:
    made = published_template("LFM2.5-Instruct")
    off = Reasoning(enabled=False)
    assert made.prompt(begun(reasoning=off)).text.endswith("assistant\nThe capital of ")


def test_reasoning_that_a_client_began_goes_on_as_reasoning() -> None:
    made = published_template("Qwen-Qwen2.5-7B-Instruct")
    made.thinking = THINK
    asked = begun("<think>\n")
    layout = made.layout(asked, made.prompt(asked))
    assert (layout.thinking, layout.opened) == (THINK, "<think>\n")
    plain = begun("<think>\n", reasoning=Reasoning(separate=False))
    assert made.layout(plain, made.prompt(plain)).thinking is None


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("openai-gpt-oss-120b", " France is Paris."),
        ("CohereForAI-c4ai-command-r7b-12-2024-tool_use", " France is Paris.<|END_RESPONSE|>"),
        ("meetkai-functionary-medium-v3.2", " France\nis Paris."),
        ("Qwen-Qwen3-0.6B", " France is Paris."),
    ],
)
def test_the_answer_is_what_follows_in_every_format(name: str, more: str) -> None:
    made = published_template(name)
    asked = begun("The capital of", tools=[WEATHER])
    reader = AnswerReader(made.layout(asked, made.prompt(asked)), frozenset(), str)
    portions = [reader.push(more), reader.close()]
    said = "".join(portion.text for portion in portions)
    assert said.split() == ["France", "is", "Paris."]
    assert said.startswith(" ")


def test_effort_reaches_templates_that_name_it_otherwise() -> None:
    made = template("{{ messages[0].content }} {{ reasoning_strength or 'none' }}")
    asked = ChatPrompt(HELLO, template_arguments={"reasoning_effort": "low"})
    assert made.prompt(asked).text == "Hello low"
    own = ChatPrompt(
        HELLO, template_arguments={**asked.template_arguments, "reasoning_strength": "x"}
    )
    assert made.prompt(own).text == "Hello x"
