from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import numpy as np
import pytest

from llmd.engine.bindings import Vocab
from llmd.engine.grammar.compiler import Compiler
from llmd.engine.grammar.constrained import ConstrainedSampler
from llmd.engine.sampling import ChainSampler, GreedySampler, make_sampler
from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Choice, Grammar, Json, Regex
from llmd.protocol.requests import Sampling
from tests.unit.engine.grammar.conftest import Write
from tests.unit.engine.grammar.test_compiler import SUITE

SAMPLINGS = {
    "greedy": Sampling(temperature=0),
    "usual": Sampling(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, seed=3),
    "plain": Sampling(temperature=1.0, seed=3),
    "typical": Sampling(temperature=1.0, typical_p=0.5, seed=3),
    "penalised": Sampling(
        temperature=0.9, top_k=40, repeat_penalty=1.5, presence_penalty=1.5, seed=3
    ),
    "biased": Sampling(temperature=0.9, logit_bias={5: 100.0, 300: -100.0, 310: 50.0}, seed=3),
    "greedy and penalised": Sampling(temperature=0, frequency_penalty=1.0),
}

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "城市": {"enum": ["北京", "上海", "🎉"]},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "born": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 3},
        "size": {"type": "number", "multipleOf": 0.5, "exclusiveMaximum": 10},
        "next": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
    },
    "required": ["name", "城市", "age", "born", "tags", "size", "next"],
    "additionalProperties": False,
}
CHECK = jsonschema.Draft202012Validator(
    PERSON, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS)
def test_whatever_the_sampling_the_answer_keeps_to_its_schema(
    sampling: Sampling, write: Write
) -> None:
    for seed in range(8):
        text = write(Json(PERSON), sampling, seed)
        assert text
        CHECK.validate(json.loads(text))
        assert not re.search(r"[,:{\[] ", re.sub(r'"[^"]*"', "", text))


@pytest.mark.parametrize("name", SUITE)
def test_random_answers_to_the_schemas_of_the_suite_validate(
    name: str, compiler: Compiler, write: Write
) -> None:
    for group in SUITE[name]:
        if re.search(r"\\\\[pwWdDsS]", json.dumps(group["schema"])):
            continue  # classes that mean something else in Python's regular expressions
        try:
            compiler.matcher(Json(group["schema"]))
        except ConstraintRefused:
            continue
        check = jsonschema.Draft202012Validator(
            group["schema"],
            format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
            if "format/" in name
            else None,
        )
        for seed in range(2):
            text = write(Json(group["schema"]), seed=seed)
            if text is not None:
                check.validate(json.loads(text))


def test_other_constraints_are_kept_too(write: Write) -> None:
    assert re.fullmatch(r"\d{3}-[a-f]{4}", write(Regex(r"[0-9]{3}-[a-f]{4}")) or "")
    assert write(Choice(["Paris", "Par", "巴黎"])) in {"Paris", "Par", "巴黎"}
    assert isinstance(json.loads(write(Json()) or ""), dict)
    json.loads(write(Json(schema=True)) or "")
    assert re.fullmatch(r"(ab)+c", write(Grammar('root ::= "ab" (root | "c")')) or "")
    assert write(Choice([""])) == ""


def test_control_tokens_and_inline_json_make_a_tool_call(write: Write) -> None:
    call = 'start: <|im_start|> "call " %json {"type": "object", "properties": {"a": '
    call += '{"enum": ["x"]}}, "required": ["a"], "additionalProperties": false, '
    call += '"x-guidance": {"whitespace_flexible": false}} <|im_start|>'
    assert write(Grammar(call, "lark")) == '<|im_start|>call {"a":"x"}<|im_start|>'


def sampler(
    compiler: Compiler, vocab: Vocab, constraint: Any, *, inner: Any = None
) -> ConstrainedSampler:
    return ConstrainedSampler(inner or GreedySampler(), compiler.matcher(constraint), vocab)


def flat(vocab: Vocab) -> np.ndarray:
    return np.zeros(vocab.size, np.float32)


def test_where_only_the_end_is_left_it_comes_though_ends_are_ignored(
    compiler: Compiler, vocab: Vocab
) -> None:
    for sampling in (Sampling(temperature=0), Sampling(temperature=1, seed=1)):
        inner = make_sampler(sampling, vocab, [], 100, ignore_eos=True)
        one = sampler(compiler, vocab, Choice(["Paris"]), inner=inner)
        written = [one.choose(flat(vocab)) for _ in range(10)]
        end = next(i for i, token in enumerate(written) if token in vocab.end_tokens)
        assert b"".join(map(vocab.piece, written[:end])) == b"Paris"


def test_ends_are_ignored_where_the_grammar_can_go_on(compiler: Compiler, vocab: Vocab) -> None:
    inner = make_sampler(Sampling(temperature=0), vocab, [], 100, ignore_eos=True)
    one = sampler(compiler, vocab, Regex("a*"), inner=inner)
    for _ in range(20):
        row = flat(vocab)
        row[vocab.eos] = 50
        assert one.choose(row) not in vocab.end_tokens


def test_a_model_that_gives_up_all_allowed_tokens_still_gets_one(
    compiler: Compiler, vocab: Vocab
) -> None:
    for inner in (GreedySampler(), ChainSampler(Sampling(seed=1), vocab, (), 100)):
        one = sampler(compiler, vocab, Regex("[0-9]+"), inner=inner)
        row = np.full(vocab.size, -np.inf, np.float32)
        row[vocab.eos] = 1
        assert vocab.piece(one.choose(row)).isdigit()
        one.close()


def test_forced_tokens_are_known_ahead_and_count_for_penalties(
    compiler: Compiler, vocab: Vocab
) -> None:
    inner = ChainSampler(Sampling(temperature=0, presence_penalty=1.0), vocab, (), 100)
    one = sampler(compiler, vocab, Choice(["The capital"]), inner=inner)
    ahead = one.ahead(8)
    assert ahead
    assert one.ahead(1) == ahead[:1]
    assert [one.choose(flat(vocab)) for _ in ahead] == ahead
    assert set(ahead) <= set(inner._recent or ())
    one.close()


def test_the_same_seed_writes_the_same_answer(write: Write) -> None:
    assert write(Json(PERSON), seed=4) == write(Json(PERSON), seed=4)
    assert write(Json(PERSON), seed=4) != write(Json(PERSON), seed=5)


def test_tokens_that_others_choose_count_as_part_of_the_answer(
    compiler: Compiler, vocab: Vocab
) -> None:
    one = sampler(compiler, vocab, Choice(["Paris", "London"]))
    first = vocab.tokenize("London", add_special=False, parse_special=False)
    for token in first:
        one.accept(token)
    assert one.choose(flat(vocab)) in vocab.end_tokens
    with pytest.raises(ConstraintRefused):
        sampler(compiler, vocab, Choice(["Paris"])).accept(first[0])
