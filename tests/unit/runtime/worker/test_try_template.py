from __future__ import annotations

import io
import resource

import msgspec
import pytest

from llmd.protocol.templates import Trial, Verdict
from llmd.runtime.worker import try_template

ECHO = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}"


def test_a_template_must_show_what_the_user_says() -> None:
    assert try_template.judge(Trial(ECHO)) == Verdict()
    assert try_template.judge(Trial("{{ messages[-1].content }}")) == Verdict()
    assert try_template.judge(Trial("{{ messages[0].role }}")).fault == (
        "leaves out what the user says."
    )


def test_a_beginning_that_the_tokeniser_writes_makes_no_difference() -> None:
    own = "{{ bos_token }}" + ECHO
    assert try_template.judge(Trial(ECHO, own)) == Verdict(same=True)
    assert try_template.judge(Trial(ECHO, own + "!")) == Verdict()


def test_a_model_whose_own_template_is_useless_is_no_obstacle() -> None:
    assert try_template.judge(Trial(ECHO, "{% for")) == Verdict()


def test_one_question_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []
    monkeypatch.setattr(resource, "setrlimit", lambda kind, _: limits.append(kind))
    out = io.BytesIO()
    try_template.main(io.BytesIO(msgspec.json.encode(Trial("{% if %}"))), out)
    verdict = msgspec.json.decode(out.getvalue(), type=Verdict)
    assert verdict.fault.startswith("cannot render these messages: ")
    assert limits == [resource.RLIMIT_CPU, resource.RLIMIT_AS]
