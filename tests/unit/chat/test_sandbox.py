from __future__ import annotations

import time
from typing import Any

import jinja2
import pytest

from llmd.chat.sandbox import FAULTS, ChatEnvironment, Refusal, Spent, run
from tests.unit.chat.conftest import noon


def rendered(source: str, **variables: Any) -> str:
    return run(ChatEnvironment(noon).compiled(source), variables)


def test_blocks_leave_no_blank_lines() -> None:
    assert rendered("a\n  {% if true %}\nb\n  {% endif %}\nc") == "a\nb\nc"


def test_tojson_keeps_order_and_characters() -> None:
    assert rendered("{{ x|tojson }}", x={"b": "<&'é", "a": 1}) == '{"b": "<&\'é", "a": 1}'
    assert rendered("{{ x|tojson(ensure_ascii=True) }}", x="é") == '"\\u00e9"'
    assert rendered("{{ x|tojson(indent=2) }}", x={"a": 1}) == '{\n  "a": 1\n}'
    assert (
        rendered("{{ x|tojson(separators=(',', ':'), sort_keys=true) }}", x={"b": 1, "a": 2})
        == '{"a":2,"b":1}'
    )


def test_loops_can_be_left() -> None:
    source = "{% for x in [1, 2, 3, 4] %}{% if x == 2 %}{% continue %}{% elif x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}"
    assert rendered(source) == "13"


def test_loop_variables_are_those_of_jinja() -> None:
    source = "{% for x in 'abc' %}{{ loop.index0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.last }}{{ loop.length }} {% endfor %}"
    assert rendered(source) == "0bFalse3 1acFalse3 2bTrue3 "


def test_generation_blocks_render_their_body_in_a_scope_of_its_own() -> None:
    assert (
        rendered(
            "{% set x = 1 %}{% generation %}{% set x = 2 %}[{{ x }}]{% endgeneration %}{{ x }}"
        )
        == "[2]1"
    )


def test_raise_exception_carries_its_text() -> None:
    with pytest.raises(Refusal, match="roles must alternate"):
        rendered("{{ raise_exception('roles must alternate') }}")


def test_concatenation_turns_anything_into_text() -> None:
    assert rendered("{{ 1 ~ nothing ~ none ~ [2] ~ 'x' }}") == "1None[2]x"


def test_lists_serve_as_queues() -> None:
    assert rendered("{% set q = [] %}{% set _ = q.append('x') %}{{ q.pop(0) }}{{ q }}") == "x[]"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.__init__.__globals__ }}",
        "{% for m in messages %}{{ m.update({'a': 1}) }}{% endfor %}",
        "{{ messages.clear() }}",
        "{% include 'secrets' %}",
        "{{ lipsum(n=100000) }}",
    ],
)
def test_python_stays_out_of_reach(source: str) -> None:
    with pytest.raises(FAULTS):
        # what is forbidden but only printed comes out empty
        assert rendered(source, messages=[{}]) != ""


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{% continue %}{% endfor %}{% endfor %}",
        "{% macro f(n) %}{{ f(n - 1) }}{{ f(n - 1) }}{% endmacro %}{{ f(40) }}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
        "{% for x in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=9) %}{% for a in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
        "{% set x = 'abcdefgh' * 1000000 %}{% for a in range(99999) %}{{ x }}{% endfor %}",
        "{{ 'x' * 10000000000 }}",
        "{{ 10000000000 * [1] }}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ 'x'.ljust(10000000000) }}",
        "{{ range(10000000000)|list }}",
    ],
)
def test_nothing_runs_or_grows_without_end(source: str) -> None:
    start = time.monotonic()
    with pytest.raises(FAULTS):
        run(ChatEnvironment(noon).compiled(source), {}, steps=50_000)
    assert time.monotonic() - start < 20


def test_an_endless_template_is_told_apart_from_a_wrong_one() -> None:
    with pytest.raises(Spent, match="does not come to an end"):
        rendered("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")


def test_the_budget_cannot_be_read_by_a_template() -> None:
    assert rendered("{{ self is defined }}{{ budget is defined }}") == "TrueFalse"


def test_long_conversations_stay_within_the_budget() -> None:
    messages = [{"role": "user", "content": "x" * 1000}] * 5000
    source = "{% set ns = namespace(t='') %}{% for m in messages %}{{ m.role + ': ' + m.content }}{% endfor %}"
    assert len(rendered(source, messages=messages)) == 5000 * 1006


def test_undefined_attributes_say_what_is_missing() -> None:
    with pytest.raises(jinja2.UndefinedError, match="'nothing' is undefined"):
        rendered("{{ nothing.at.all }}")


def test_variables_of_a_source_are_neither_its_own_nor_words_in_its_text() -> None:
    source = "no thinking {# effort #}{% set tool = 1 %}{{ message.thinking }}{% if budget %}{{ tool }}{% endif %}"
    assert ChatEnvironment(noon).variables(source) == {"message", "budget"}
