"""Chat templates tried in a process of their own, for real."""

from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.runtime.template_trial import check_template

ECHO = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}"


async def test_a_template_is_compared_with_the_models_own() -> None:
    assert await check_template(ECHO, ECHO.replace("m.", "m ."))
    assert not await check_template(ECHO, ECHO + "!")
    assert not await check_template(ECHO)
    assert await check_template("<|b|>" + ECHO, "{{ bos_token }}" + ECHO, bos="<|b|>", eos="<|e|>")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% for", "cannot render these messages: .*line 1"),
        ("Hello", "leaves out what the user says"),
        ("{{ raise_exception('no users') }}", "no users"),
        ("{{ 'a'|center(3000000000) }}{{ messages }}", "MemoryError|too much time or memory"),
        (
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            "does not come to an end",
        ),
    ],
)
async def test_a_useless_template_is_refused(template: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as failure:
        await check_template(template)
    assert failure.value.param == "template"


async def test_a_process_that_is_killed_counts_as_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llmd.runtime.template_trial._WALL_SECONDS", 0.0)
    with pytest.raises(InvalidRequest, match="too much time or memory"):
        await check_template(ECHO)
