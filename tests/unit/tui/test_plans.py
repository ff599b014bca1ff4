from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.tui import plans
from llmd.tui.cells import Line, Tone
from tests.fakes.shelf import GB, plan

TOO_LARGE = plan(
    fits=False,
    problem="It needs about 9 GiB, but only 6 GiB are free.",
    uses=[{"device": "CPU", "parts": {"weights": 9 * GB}, "mapped": 0}],
    remedies=[
        {"text": "A context of 1024 would fit.", "options": {"context_length": 1024}},
        {"text": "Close other programs.", "options": None},
    ],
)


def words(lines: list[Line]) -> str:
    return "\n".join(
        f"{line.name} {''.join(cell.text for cell in line.value)}".strip() for line in lines
    )


def test_a_plan_tells_each_device_with_its_parts() -> None:
    text = words(plans.described(plan(evicted=["old"], notes=["Something."])))
    assert "━━━━━─" in text
    assert "1.5 GB of 6.0 GB free" in text
    assert "weights 1.0 GB, KV cache 500 MB" in text
    assert "unloads old" in text
    assert "loads in about 1.50 s" in text
    assert text.endswith("Something.")
    assert "on GPUs" not in text


def test_layers_on_gpus_are_told_where_there_are_gpus() -> None:
    room = {"device": "CUDA0", "total": 8 * GB, "free": 8 * GB}
    text = words(plans.described(plan(gpu_layers=3, rooms=[*plan()["rooms"], room])))
    assert "on GPUs 3 of 5 layers" in text


def test_what_does_not_fit_says_so_first_and_offers_what_would() -> None:
    lines = plans.described(TOO_LARGE)
    assert lines[0].value[0].text == TOO_LARGE["problem"]
    assert lines[0].value[0].tone is Tone.BAD
    assert lines[1].value[-1].tone is Tone.BAD
    assert plans.remedies(TOO_LARGE) == [
        ("A context of 1024 would fit.", {"context_length": 1024}),
        ("Close other programs.", {}),
    ]


def test_the_pane_tells_the_sum_or_the_problem() -> None:
    assert "CPU 1.5 GB of 6.0 GB free" in words(plans.summary(plan()))
    assert words(plans.summary(TOO_LARGE)) == TOO_LARGE["problem"]


def test_a_form_becomes_options_without_what_was_left_empty() -> None:
    form = {
        "context_length": "32k",
        "parallel": "",
        "kv_type": "q8_0",
        "gpu_layers": "-1",
        "keep_alive": "10m",
    }
    assert plans.options(form) == {
        "context_length": 32768,
        "kv_type": "q8_0",
        "gpu_layers": -1,
        "keep_alive": 600.0,
    }


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("context_length", "many"),
        ("context_length", "0"),
        ("context_length", "-5"),
        ("parallel", "257"),
        ("gpu_layers", "-2"),
        ("keep_alive", "soon"),
        ("context_length", "²"),
        ("context_length", "--5"),
    ],
)
def test_a_wrong_field_is_named(field: str, text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        plans.options({field: text})
    assert refused.value.param == field


def test_options_come_back_as_they_were_typed() -> None:
    options = {"context_length": 4096, "keep_alive": 600.0, "kv_type": "q4_0", "pinned": True}
    assert plans.shown(options) == {
        "context_length": "4096",
        "keep_alive": "10m",
        "kv_type": "q4_0",
    }
    assert plans.options(plans.shown(options)) == {
        "context_length": 4096,
        "keep_alive": 600.0,
        "kv_type": "q4_0",
    }
