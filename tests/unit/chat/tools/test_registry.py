"""What holds for every format: which template it belongs to, that pieces do not matter, that nothing
is lost, and that what its grammar forces are calls that keep to the schema.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from llmd.chat.reasoning import THINK
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.offer import Offer, Tool
from llmd.chat.tools.registry import choose_format
from llmd.errors import InvalidRequest
from tests.unit.chat.conftest import SOURCES, template
from tests.unit.chat.tools.conftest import (
    FORMS,
    THINKING,
    WEATHER,
    read,
    schema,
    spelling,
    written,
)

BY_TEMPLATE = {
    "Apertus-8B-Instruct": "apertus",
    "ByteDance-Seed-OSS": "seed",
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": "command_r",
    "GLM-4.6": "glm",
    "GigaChat3-10B-A1.8B": "gigachat_3",
    "HuggingFaceTB-SmolLM3-3B": "hermes",
    "Kimi-K2-Instruct": "kimi",
    "Kimi-K3": "kimi_k3",
    "LFM2-8B-A1B": "lfm2",
    "LFM2.5-Instruct": "lfm2",
    "MiniMax-M1": "minimax_m1",
    "MiniMax-M2": "minimax",
    "MiniMax-M3": "minimax_m3",
    "Mistral-Small-3.2-24B-Instruct-2506": "mistral_ids",
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use": "hermes",
    "Qwen-Qwen2.5-7B-Instruct": "hermes",
    "Qwen-Qwen3-0.6B": "hermes",
    "Qwen3-Coder": "qwen_coder",
    "Qwen3.5-4B": "qwen_coder",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": "deepseek_r1",
    "deepseek-ai-DeepSeek-V3.1": "deepseek",
    "deepseek-ai-DeepSeek-V3.2": "deepseek_v3.2",
    "deepseek-ai-DeepSeek-V4": "deepseek_v4",
    "google-gemma-2-2b-it": "hermes",
    "google-gemma-4-31B-it": "gemma",
    "ibm-granite-granite-3.3-2B-Instruct": "granite",
    "ibm-granite-granite-4.0": "hermes",
    "llama-cpp-rwkv-world": "hermes",
    "llmd-tiny": "hermes",
    "meetkai-functionary-medium-v3.1": "functionary_3.1",
    "meetkai-functionary-medium-v3.2": "functionary_3.2",
    "meta-llama-Llama-3.1-8B-Instruct": "llama",
    "meta-llama-Llama-3.2-3B-Instruct": "llama",
    "microsoft-Phi-3.5-mini-instruct": "hermes",
    "mistralai-Mistral-Nemo-Instruct-2407": "mistral_list",
    "muse-glimmer": "muse",
    "openai-gpt-oss-120b": "harmony",
    "openbmb-MiniCPM5-1B": "minicpm",
    "tencent-Hy3": "hunyuan",
    "upstage-Solar-Open-100B": "solar",
}
TAGGED = ["qwen_coder", "glm", "minimax", "lfm2", "gemma", "deepseek_v3.2", "minimax_m3", "muse"]
FORCED = Offer(
    (
        Tool("get_weather", WEATHER),
        Tool(
            "get_weather_now", {"type": "object", "properties": {}, "additionalProperties": False}
        ),
        Tool("anything", {}),
    )
)
VALIDATORS = {
    tool.name: Draft202012Validator({"type": "object", **tool.parameters}) for tool in FORCED.tools
}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> CallFormat:
    return FORMS[request.param]


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_published_templates_get_their_format(name: str) -> None:
    made = template(SOURCES[name].read_text(encoding="utf-8"))
    assert made.form.name == BY_TEMPLATE[name]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("within <tool_call></tool_call> tags: <tool_calls>[{}]</tool_calls>", "apriel"),
        ("{{ '<|function_call|>' + call }}", "gigachat"),
        ("prefix calls with functools[...]", "firefunction"),
    ],
)
def test_marks_in_a_source_tell_the_format(source: str, name: str) -> None:
    assert choose_format(source, describes_tools=True).name == name


def test_unknown_templates_get_what_they_or_llmd_ask_for() -> None:
    assert choose_format("{{ messages }}", describes_tools=False).name == "hermes"
    assert choose_format("{{ messages }}", describes_tools=True).name == "generic"


@pytest.mark.parametrize("special", [True, False], ids=["tokens", "text"])
@pytest.mark.parametrize("parallel", [True, False], ids=["several", "one"])
def test_forced_calls_keep_to_the_schema(form: CallFormat, special: bool, parallel: bool) -> None:
    markers = list(dict.fromkeys(form.markers)) if special else []
    grammar = form.grammar(FORCED, spelling(markers), parallel=parallel)
    texts = [written(grammar, markers, seed) for seed in range(12)]
    complete = [text for text in texts if text is not None]
    assert len(complete) > 3
    for text in complete:
        found = read(form, text, offer=FORCED)
        assert (found.text, found.reasoning) == ("", ""), text
        assert found.calls
        assert parallel or len(found.calls) == 1
        for name, arguments in found.calls:
            assert VALIDATORS[name].is_valid(arguments), text


def test_a_trigger_is_how_calls_begin(form: CallFormat) -> None:
    grammar = (form.triggered or form.grammar)(FORCED, spelling([]), parallel=False)
    texts = [text for seed in range(30) if (text := written(grammar, [], seed))]
    openings = tuple(form.openings(FORCED))
    assert openings
    for text in texts:
        begun = text.lstrip().startswith(("{", "[")) if form.bare else False
        assert begun or text.lstrip("\n\t\r ").startswith(openings) or text.startswith(openings)
        assert read(form, text, offer=FORCED).calls, text


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.bare])
def test_spaces_do_not_tell_a_bare_call_from_json_of_another_kind(name: str) -> None:
    beside = FORMS[name].beside
    assert beside
    grammar = beside(FORCED, spelling([]), parallel=False)
    for text in (text for seed in range(20) if (text := written(grammar, [], seed))):
        assert text.startswith('{"name":"')
        assert read(FORMS[name], text, offer=FORCED).calls


@pytest.mark.parametrize("keyword", ["not", "patternProperties", "dependentRequired"])
@pytest.mark.parametrize("name", TAGGED)
def test_what_a_notation_cannot_keep_to_is_refused_by_name(name: str, keyword: str) -> None:
    tool = Tool("f", {**schema(["a"], a="integer"), keyword: {}})
    with pytest.raises(InvalidRequest, match=f"Calls of f cannot be forced.*{keyword}") as caught:
        FORMS[name].grammar(Offer((tool,)), spelling([]), parallel=True)
    assert caught.value.param == "tools"
    assert caught.value.details == {"tool": "f", "path": "$", "keyword": keyword}


def example(form: CallFormat) -> str:
    """One call as this format writes it, made by its own grammar."""
    tool = Tool(
        "python",
        {
            "type": "object",
            "properties": {"code": {"const": '你好 {"[(>'}},
            "required": ["code"],
            "additionalProperties": False,
        },
    )
    grammar = form.grammar(Offer((tool,)), spelling([]), parallel=False)
    return next(text for seed in range(20) if (text := written(grammar, [], seed)))


EXAMPLES = {name: example(form) for name, form in FORMS.items()}
COMMON = st.sampled_from(
    [
        *"{}[]\"\\\n :,<>=()1'",
        *("call", "name", "python", "all\n", "你好", "🙂", '{"code": "x"}'),
        '{"name": "python", "arguments": ',
    ]
)


@st.composite
def soups(draw: st.DrawFn, name: str) -> str:
    """Marks, pieces of calls and whole calls, in any order."""
    form, thinking = FORMS[name], THINKING.get(name, THINK)
    marks = [*form.markers, thinking.opening, thinking.closing, EXAMPLES[name]]
    parts = draw(st.lists(st.one_of(st.sampled_from(marks), COMMON), max_size=14))
    return "".join(parts)


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=60)
@given(data=st.data())
def test_any_split_gives_the_same(name: str, data: st.DataObject) -> None:
    text = data.draw(soups(name))
    cuts = data.draw(st.lists(st.integers(0, 10_000), max_size=12))
    wishes: dict[str, Any] = {
        "thinking": data.draw(st.sampled_from([None, THINKING.get(name, THINK)])),
        "separate": data.draw(st.booleans()),
        "parallel": data.draw(st.booleans()),
    }
    whole = read(FORMS[name], text, **wishes)
    assert read(FORMS[name], text, cuts=cuts, **wishes) == whole
    assert read(FORMS[name], text, cuts=range(len(text)), **wishes) == whole


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if not form.frames])
@settings(max_examples=60)
@given(data=st.data())
def test_nothing_is_lost_where_there_is_no_call(name: str, data: st.DataObject) -> None:
    text = data.draw(soups(name))
    found = read(FORMS[name], text)
    if not found.calls:
        assert found.text == text


@pytest.mark.parametrize("name", FORMS)
def test_a_call_is_found_at_every_cut(name: str) -> None:
    text = EXAMPLES[name]
    expected = [("python", {"code": '你好 {"[(>'})]
    for cut in range(len(text)):
        assert read(FORMS[name], text, cuts=[cut]).calls == expected


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize(
    "bad",
    ["{", "[", '{"name":', '{"function":', '{"arguments":', "call:f{a:", "[f(a=", '"', "\\", " "],
)
def test_endless_nonsense_is_read_in_time(name: str, bad: str) -> None:
    form = FORMS[name]
    opening = form.markers[0] if form.markers else ""
    for text in (opening + bad * 2000, (opening + bad) * 500):
        found = read(form, text, cuts=range(0, len(text), 5))
        assert len(found.text) + sum(len(str(call)) for call in found.calls) > 0 or form.frames
