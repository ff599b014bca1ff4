"""Whatever the model wants, steered answers are what was asked for: the model here types at random."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import jsonschema
import llguidance
import numpy as np
import pytest

from llmd.chat.reader import Layout
from llmd.chat.reasoning import COMMAND_R, GEMMA, HARMONY, SEED, THINK, Thinking
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.offer import Offer
from llmd.engine.bindings import Vocab
from llmd.engine.grammar.compiler import Compiler
from llmd.engine.grammar.matcher import Matcher
from llmd.engine.sampling import GreedySampler
from llmd.engine.stopping import TextStream
from llmd.errors import InvalidRequest
from llmd.protocol.constraints import Constraint, Json, Regex
from llmd.protocol.requests import ChatPrompt, Reasoning, ToolChoice
from llmd.runtime.worker.steering import Steering, new_call_id
from tests.unit.chat.tools.conftest import FORMS, THINKING, Bytes, said, written

END = 256

# texts are listed: typing at random hardly ever comes upon the tag that ends a free one
WEATHER = {
    "type": "object",
    "properties": {
        "city": {"enum": ["Paris", "Zürich", "東京"]},
        "days": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3},
    },
    "required": ["city", "days"],
    "additionalProperties": False,
}


class Vocabulary:
    """Bytes, an end, and control tokens for the marks of one format."""

    end_tokens = frozenset({END})

    def __init__(self, marks: tuple[str, ...]) -> None:
        self.bytes = Bytes(marks)

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        return self.bytes.marked(text)

    def piece(self, token: int, *, special: bool = False) -> bytes:
        return self.bytes.tokens[token] if token < END or special else b""


class Marking:
    """A tokenizer that knows control tokens in a text where it is asked to, as llama.cpp's does."""

    eos_token = END

    def __init__(self, vocabulary: Bytes) -> None:
        self._bytes = vocabulary

    def tokenize_bytes(self, text: bytes, *, parse_special: bool) -> list[int]:
        return self._bytes.marked(text.decode()) if parse_special else self._bytes(text)


class MarkingCompiler(Compiler):
    def __init__(self, vocabulary: Bytes) -> None:
        wrapped = llguidance.TokenizerWrapper(vocabulary)
        super().__init__(lambda: llguidance.LLTokenizer(wrapped))
        self._marking = Marking(vocabulary)

    def matcher(self, constraint: Constraint, tool: str = "") -> Matcher:
        made = super().matcher(constraint, tool)
        made._tokenizer = cast("llguidance.LLTokenizer", self._marking)
        return made


class Answer:
    """One answer of a model that types at random, but for the tokens of `wish`."""

    def __init__(
        self,
        form: CallFormat,
        prompt: ChatPrompt,
        *,
        thinking: Thinking | None = None,
        opened: str = "",
        demanded: Any = None,
        wish: str = "",
        seed: int = 0,
    ) -> None:
        own = (thinking.opening, thinking.closing) if thinking and not form.frames else ()
        self.vocab = Vocabulary(tuple(dict.fromkeys((*form.markers, *own))))
        compiler = MarkingCompiler(self.vocab.bytes)
        steering = Steering(cast("Vocab", self.vocab), lambda: compiler)
        choice = prompt.tool_choice
        offer = Offer.of(prompt.tools)
        layout = Layout(
            form,
            offer.only(choice.name) if choice.mode == "named" else offer,
            choice.parallel,
            thinking,
            opened,
            reasons=prompt.reasoning.enabled is not False,
        )
        matcher: Matcher | None = compiler.matcher(Json(demanded)) if demanded else None
        course = steering.course(prompt, layout, matcher)
        self._sampler = steering.sampler(GreedySampler(), course)
        self._reader = course.reader
        self._random = np.random.default_rng(seed)
        self._wish = self.vocab.tokenize(wish, add_special=False, parse_special=True)
        self.text = self.reasoning = ""
        self.calls: dict[int, list[str]] = {}
        self.ended = self._run()

    def _row(self, place: int) -> Any:
        row = self._random.normal(0, 1, len(self.vocab.bytes.tokens)).astype(np.float32)
        row[128:END] -= 10
        row[[*b'"}])>/', END, *range(END, len(row))]] += 1.5
        if place < len(self._wish):
            row[self._wish[place]] += 100
        return row

    def _run(self) -> bool:
        stream = TextStream()
        for place in range(1500):
            token = self._sampler.choose(self._row(place))
            if token == END:
                break
            special = token in self._reader.visible
            self._take(self._reader.push(stream.push(self.vocab.piece(token, special=special))))
        self._take(self._reader.push(stream.close()))
        self._take(self._reader.close())
        return token == END

    def _take(self, portion: Any) -> None:
        self.text += portion.text
        self.reasoning += portion.reasoning
        for delta in portion.calls:
            call = self.calls.setdefault(delta.index, ["", ""])
            call[0] += delta.name
            call[1] += delta.arguments

    @property
    def read_calls(self) -> list[tuple[str, Any]]:
        return [(name, said(arguments)) for name, arguments in self.calls.values()]


AUTO = ToolChoice()
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}},
    {
        "type": "function",
        "function": {
            "name": "noop",
            "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
        },
    },
]


def prompt(choice: ToolChoice = AUTO, **wishes: Any) -> ChatPrompt:
    return ChatPrompt(
        [{"role": "user", "content": "Hi"}], **{"tools": TOOLS, "tool_choice": choice, **wishes}
    )


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("mode", ["required", "named"])
def test_forced_calls_come_from_any_model_in_any_format(name: str, mode: str) -> None:
    thinking = THINKING.get(name, THINK)
    finished = 0
    for seed in range(6):
        answer = Answer(
            FORMS[name],
            prompt(ToolChoice(mode, "get_weather" if mode == "named" else "", parallel=False)),
            thinking=thinking,
            opened=""
            if thinking.always or name in {"gemma", "functionary_3.2"}
            else thinking.opening,
            wish=thinking.opening + "hm" + thinking.closing
            if thinking.always
            else "hm" + thinking.closing,
            seed=seed,
        )
        if not answer.ended:
            continue
        finished += 1
        assert answer.text == ""
        ((called, arguments),) = answer.read_calls
        assert called == "get_weather" or mode == "required"
        if called == "get_weather":
            jsonschema.validate(arguments, WEATHER)
    assert finished


def test_calls_can_be_forced_without_reasoning() -> None:
    answer = Answer(FORMS["hermes"], prompt(ToolChoice("named", "noop")), wish="Hello")
    assert answer.read_calls[0] == ("noop", {})
    assert answer.text == answer.reasoning == ""


def test_there_is_nothing_to_force_without_tools() -> None:
    with pytest.raises(InvalidRequest, match="no such tool"):
        Answer(FORMS["hermes"], prompt(ToolChoice("required"), tools=[]))


STRICT = [{"type": "function", "function": {**TOOLS[0]["function"], "strict": True}}]  # type: ignore[dict-item]


_CALL = '"get_weather", "parameters": {"bogus": 1}}'
_OPENINGS = {
    name: [trigger.replace("{name}", "get_weather") for trigger in form.triggers]
    for name, form in FORMS.items()
} | {
    "harmony": [
        "<|channel|>commentary to=functions.",
        "<|channel|>commentary to=get_weather <|constrain|>json<|message|>{",
        " to=functions.get_weather<|channel|>commentary json<|message|>",
    ],
    "functionary_3.2": ["get_weather\n", "all\nLet me see.>>>get_weather\n"],
    "llama": [
        f'{{"name": {_CALL}',
        f'{{"name":{_CALL}',
        f'\n{{"type": "function", "name": {_CALL}',
        f'{{"function": {_CALL}',
        f'[{{"name": {_CALL}',
        f'<|python_tag|>{{"name": {_CALL}',
    ],
    "generic": [
        f'{{ "name" : {_CALL}',
        f'Here:\n```json\n{{"name": {_CALL}',
        f'<tool_call>[{{"name": {_CALL}',
        f'{{"b": 1}} ```tool_call\n{{"name": {_CALL}',
    ],
}


@pytest.mark.parametrize(
    ("name", "opening"), [(name, opening) for name in FORMS for opening in _OPENINGS[name]]
)
def test_strict_tools_keep_to_their_schema_however_the_model_begins_a_call(
    name: str, opening: str
) -> None:
    check_strict(FORMS[name], opening)


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("deepseek_v3.2", ("｜DSML｜",)),
        ("deepseek_v4", ("｜DSML｜",)),
        ("minimax_m3", ("]<]minimax[>[", "<tool_call>", "</tool_call>")),
        ("muse", ("<|start|>", "<|message|>", "<|eom|>")),
        ("muse", ()),
    ],
)
def test_what_a_call_begins_with_may_be_several_tokens(name: str, tokens: tuple[str, ...]) -> None:
    check_strict(replace(FORMS[name], markers=tokens), *_OPENINGS[name])


def check_strict(form: CallFormat, opening: str) -> None:
    asked = prompt(ToolChoice(parallel=False), tools=STRICT)
    answers = [Answer(form, asked, wish=opening, seed=s) for s in range(6)]
    complete = [answer for answer in answers if answer.ended]
    assert complete
    for answer in complete:
        ((called, arguments),) = answer.read_calls
        assert called == "get_weather"
        jsonschema.validate(arguments, WEATHER)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("llama", '{"parameters": {"bogus": 1}, "name": "get_weather"}'),
        ("llama", "<|python_tag|>get_weather.call(bogus=1)"),
        ("functionary_3.1", f'<|python_tag|>{{"name": {_CALL}'),
        ("generic", '{"function": {"name": "get_weather", "arguments": {"bogus": 1}}}'),
        ("harmony", '<|channel|>commentary\tto=functions.get_weather<|message|>{"bogus": 1}'),
    ],
)
def test_a_strict_call_that_no_grammar_follows_is_text(name: str, call: str) -> None:
    answer = Answer(FORMS[name], prompt(tools=STRICT), wish=call)
    assert "bogus" in answer.text
    for _, arguments in answer.read_calls:
        jsonschema.validate(arguments, WEATHER)


@pytest.mark.parametrize(
    ("name", "before"), [("hermes", ""), ("functionary_3.2", "all\n"), ("llama", "")]
)
def test_strict_tools_need_not_be_called(name: str, before: str) -> None:
    answer = Answer(FORMS[name], prompt(tools=STRICT), wish=f"{before}Just text.")
    assert answer.text.startswith("Just text.")


def test_a_schema_that_cannot_be_enforced_is_refused_with_its_tool() -> None:
    tool = {"name": "odd", "parameters": {"type": "object", "properties": {"a": {"not": {}}}}}
    with pytest.raises(InvalidRequest) as caught:
        Answer(FORMS["hermes"], prompt(ToolChoice("required"), tools=[{"function": tool}]))
    assert caught.value.details["tool"] == "odd"
    assert caught.value.param == "tools"


SMALL = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("name", "thinking", "opened", "wish"),
    [
        ("hermes", None, "", ""),
        ("hermes", THINK, "<think>", "hm</think>"),
        ("hermes", THINK, "", "<think>hm</think>"),
        ("hermes", THINK, "", "Hello"),
        ("seed", SEED, "", "<seed:think>hm</seed:think>"),
        ("harmony", HARMONY, "", "<|channel|>analysis<|message|>hm<|end|>"),
        ("gemma", GEMMA, "", "<|channel>thought\nhm<channel|>"),
        ("command_r", COMMAND_R, "<|START_THINKING|>", "hm<|END_THINKING|>"),
        ("command_r", COMMAND_R, "", "no"),
        ("functionary_3.2", None, "", "get_weather\n"),
    ],
)
def test_a_demanded_form_begins_behind_reasoning_and_frames(
    name: str, thinking: Thinking | None, opened: str, wish: str
) -> None:
    answers = [
        Answer(
            FORMS[name],
            prompt(tools=[]),
            thinking=thinking,
            opened=opened,
            demanded=SMALL,
            wish=wish,
            seed=seed,
        )
        for seed in range(4)
    ]
    complete = [answer for answer in answers if answer.ended]
    assert complete
    for answer in complete:
        jsonschema.validate(said(answer.text), SMALL)
        assert answer.reasoning == ("hm" if "hm" in wish else "")


def call_of_noop(form: CallFormat) -> str:
    write = form.beside or form.grammar
    grammar = write(Offer.of(TOOLS[1:]), lambda _: None, parallel=False)
    return next(text for seed in range(20) if (text := written(grammar, [], seed)))


CALLS = {name: call_of_noop(form) for name, form in FORMS.items()}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("reasoned", [False, True], ids=["at once", "behind reasoning"])
def test_where_a_form_is_demanded_tools_can_be_called(name: str, reasoned: bool) -> None:
    thinking = THINKING.get(name, THINK) if reasoned else None
    thoughts = f"{thinking.opening}hm{thinking.closing}" if thinking else ""
    between = f"{thinking.around * 2}{FORMS[name].resume}" if thinking else ""
    answer = Answer(
        FORMS[name],
        prompt(ToolChoice(parallel=False)),
        thinking=thinking,
        demanded=SMALL,
        wish=thoughts + between + CALLS[name],
    )
    assert answer.read_calls == [("noop", {})]
    assert (answer.text, answer.reasoning) == ("", "hm" if thinking else "")


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("wish", ['{"b": "free text"}', "Hello", "```json\n{}", "[1]"])
def test_an_answer_without_a_call_is_the_demanded_form(name: str, wish: str) -> None:
    answers = [
        Answer(FORMS[name], prompt(), demanded=SMALL, wish=wish, seed=seed) for seed in range(4)
    ]
    complete = [answer for answer in answers if answer.ended]
    assert complete
    for answer in complete:
        if answer.calls:
            assert answer.text == ""
            assert {called for called, _ in answer.read_calls} <= {"noop", "get_weather"}
        else:
            jsonschema.validate(said(answer.text), SMALL)


@pytest.mark.parametrize("name", ["llama", "generic"])
def test_a_demanded_form_may_look_like_a_call(name: str) -> None:
    named = {**SMALL, "properties": {"name": {"type": "string"}}, "required": ["name"]}
    for text in ('{"name":"Alice"}', '{"name":"noop"}'):
        answer = Answer(FORMS[name], prompt(), demanded=named, wish=text + "\x00")
        assert (answer.text, answer.calls) == (text, {})
    # any object is demanded, and a strict tool is called with an argument that it does not take
    call = '{"name":"get_weather","parameters":{"bogus":1}}'.replace(
        "parameters", "arguments" if name == "generic" else "parameters"
    )
    strict = prompt(ToolChoice(parallel=False), tools=STRICT)
    answer = Answer(FORMS[name], strict, demanded={"type": "object"}, wish=call)
    if answer.ended:
        ((_, arguments),) = answer.read_calls
        jsonschema.validate(arguments, WEATHER)


def test_text_of_a_demanded_form_that_looks_like_a_call_is_none() -> None:
    form = {"enum": ['<tool_call>{"name": "noop"}</tool_call>']}
    answer = Answer(FORMS["hermes"], prompt(), demanded=form, wish='"')
    assert (said(answer.text), answer.calls) == (form["enum"][0], {})


@pytest.mark.parametrize("name", FORMS)
def test_beside_a_demanded_form_only_strict_tools_must_be_enforceable(name: str) -> None:
    parameters = {
        "type": "object",
        "properties": {"a": {"type": "integer", "not": {"const": 1}}, "b": {"type": "integer"}},
        "required": ["a"],
        "not": {},
    }
    tool: dict[str, Any] = {"name": "odd", "parameters": parameters}
    answers = [
        Answer(
            FORMS[name],
            prompt(ToolChoice(parallel=False), tools=[{"function": tool}]),
            demanded=SMALL,
            wish=CALLS[name].partition("noop")[0] + "odd",
            seed=seed,
        )
        for seed in range(8)
    ]
    for answer in (answer for answer in answers if answer.ended):
        ((called, arguments),) = answer.read_calls
        assert called == "odd"
        assert isinstance(arguments["a"], int)
        assert isinstance(arguments.get("b", 0), int)
    assert any(answer.ended for answer in answers)
    with pytest.raises(InvalidRequest):
        Answer(FORMS[name], prompt(tools=[{"function": {**tool, "strict": True}}]), demanded=SMALL)


@pytest.mark.parametrize(
    ("name", "thinking", "opened", "tools", "behind"),
    [
        ("hermes", THINK, "<think>", [], ""),
        ("harmony", HARMONY, "", [], ""),
        ("harmony", HARMONY, "", TOOLS, ""),
    ],
)
@pytest.mark.parametrize("budget", [0, 3, 10])
def test_reasoning_keeps_to_its_budget(
    name: str, thinking: Thinking, opened: str, tools: list[Any], behind: str, budget: int
) -> None:
    answer = Answer(
        FORMS[name],
        prompt(tools=tools, reasoning=Reasoning(budget=budget)),
        thinking=thinking,
        opened=opened,
        wish=("" if opened else thinking.opening) + "h" * 100,
    )
    assert answer.reasoning == "h" * budget
    if not tools:
        assert answer.text.startswith("h")


def test_one_call_ends_an_answer_that_may_hold_no_more() -> None:
    call = '<tool_call>{"name": "noop"}</tool_call>'
    answer = Answer(FORMS["hermes"], prompt(ToolChoice(parallel=False)), wish=call * 3)
    assert answer.ended
    assert (answer.read_calls, answer.text) == ([("noop", {})], "")
    several = Answer(FORMS["hermes"], prompt(), wish=call * 3)
    assert several.read_calls == [("noop", {})] * 3


def test_an_answer_that_goes_on_has_no_head_before_its_form() -> None:
    form = FORMS["functionary_3.2"]
    vocab = Vocabulary(form.markers)
    compiler = Compiler(lambda: llguidance.LLTokenizer(llguidance.TokenizerWrapper(vocab.bytes)))
    steering = Steering(cast("Vocab", vocab), lambda: compiler)
    demanded = compiler.matcher(Regex(" France"))
    guides = [
        steering.course(prompt(), Layout(known, Offer.of([])), demanded).forced
        for known in (form, replace(form, answer=""))
    ]
    assert [bytes(guide.forced()) for guide in guides if guide] == [b"all\n", b" France"]


def test_ids_of_calls_are_unlike_each_other() -> None:
    assert new_call_id().startswith("call_")
    assert len({new_call_id() for _ in range(100)}) == 100
