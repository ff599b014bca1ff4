from __future__ import annotations

import io
import json

import pytest
from llguidance import LLTokenizer

from llmd.engine.grammar.compiler import Compiler
from llmd.protocol.constraints import Choice, Grammar, Json, Proposal, Regex
from llmd.runtime.worker import rehearse


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return Compiler(lambda: LLTokenizer("byte"))


@pytest.mark.parametrize(
    "constraint",
    [
        Json(),
        Regex("[a-z]+"),
        Choice(["中"]),
        Grammar('root ::= "a" root | "b"'),
        Grammar('start: <tool_call> "x" </tool_call>', "lark"),
        Grammar("root ::= <think> [^<]* </think>"),
    ],
    ids=str,
)
def test_what_can_be_enforced_passes(constraint: object, compiler: Compiler) -> None:
    assert rehearse.verdict(compiler, Proposal(constraint)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("proposal", "words"),
    [
        (Proposal(Json({"not": {}}), "find"), 'tool "find"'),
        (Proposal(Regex("(")), "unclosed group"),
        (Proposal(Grammar("start: <tool_call> missing", "lark")), "unknown name"),
    ],
    ids=str,
)
def test_what_cannot_is_told(proposal: Proposal, words: str, compiler: Compiler) -> None:
    error = rehearse.verdict(compiler, proposal)
    assert error
    assert words in error.message
    assert "\n" not in error.message


def test_a_grammar_that_gets_stuck_later_is_no_fault(compiler: Compiler) -> None:
    assert rehearse.verdict(compiler, Proposal(Grammar('start: /[a-z]+/ "x"', "lark"))) is None


def test_one_line_comes_back_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    # limits are for processes of their own
    monkeypatch.setattr(rehearse.resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(rehearse.signal, "setitimer", lambda *_: None)
    lines = [
        {"constraint": {"type": "json", "schema": None}},
        {"constraint": {"type": "regex", "pattern": "("}, "tool": ""},
    ]
    answers = io.BytesIO()
    rehearse.main(io.BytesIO(b"".join(json.dumps(x).encode() + b"\n" for x in lines)), answers)
    first, second = answers.getvalue().splitlines()
    assert json.loads(first) is None
    assert json.loads(second)["code"] == "constraint_refused"
