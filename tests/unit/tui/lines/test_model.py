from __future__ import annotations

import pytest

from llmd.protocol.models import ModelState
from llmd.protocol.placement import DeviceUse, Parts
from llmd.tui.lines import model
from tests.fakes.snapshots import MB, history, loaded

MODEL = loaded()
PAST = history([MODEL]).models[MODEL.name]


def text(width: int = 76, **changes: object) -> str:
    return "\n".join(line.plain for line in model.lines(loaded(**changes), PAST, width))


def test_speed_first_token_batch_cache_and_queue_are_told() -> None:
    said = text()
    for figure in ("162 t/s", "600 ms", "5/16 +2", "32% of 65.5k", "60%, 12 kept"):
        assert figure in said


@pytest.mark.parametrize("width", [40, 76, 116, 196])
def test_lines_never_are_wider_than_the_panel(width: int) -> None:
    for tall in (False, True):
        lines = model.lines(MODEL, PAST, width, tall=tall)
        assert max(line.cell_length for line in lines) <= width


def test_charts_stand_where_there_is_room() -> None:
    short = model.lines(MODEL, PAST, 116)
    tall = model.lines(MODEL, PAST, 116, tall=True)
    assert len(tall) > len(short)
    assert "tokens per second  up to 174 t/s" in tall[0].plain
    assert len(model.lines(MODEL, PAST, 60, tall=True)) == len(model.lines(MODEL, PAST, 60))


def test_memory_is_told_by_device_planned_and_measured() -> None:
    gpu, cpu = model.lines(MODEL, PAST, 196)[-2:]
    assert gpu.plain.startswith("cuda0   6.4 GB")
    assert "of 6.5 GB planned  weights 2.5 GB  KV 3.9 GB" in gpu.plain
    assert cpu.plain.startswith("memory  410 MB")
    over = DeviceUse(device="CPU", parts=Parts(process=900 * MB))
    assert "over plan" in text(196, measured=[over])


@pytest.mark.parametrize("width", [72, 76, 90, 100, 116, 140])
def test_words_about_memory_are_left_out_rather_than_cut(width: int) -> None:
    gpu = model.lines(MODEL, PAST, width)[-2]
    assert gpu.cell_length == width
    assert "…" not in gpu.plain
    assert "of 6.5 GB planned" in gpu.plain


def test_a_model_that_nothing_was_measured_of_says_what_is_planned() -> None:
    said = text(measured=[])
    assert "of 6.5 GB planned" in said


def test_before_it_is_ready_it_shows_how_far_it_is() -> None:
    loading = loaded(state=ModelState.LOADING, progress=0.5, measured=[])
    first = model.lines(loading, None, 40)[0]
    assert first.plain == "█" * 20 + "░" * 20
    assert model.subtitle(loading).plain == "loading 50% · CUDA0"


def test_what_has_no_past_is_drawn_too() -> None:
    assert "0.0 t/s" in model.lines(MODEL, None, 76)[0].plain


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"running": 0}, "ready · CUDA0 · unloads in 3m32"),
        ({}, "ready · CUDA0 · in use"),
        ({"pinned": True}, "ready · CUDA0 · pinned"),
        ({"expires_in": None}, "ready · CUDA0 · stays"),
        ({"state": ModelState.WAITING, "waiting": 3}, "3 wait for room · CUDA0"),
        ({"kind": "embedding", "expires_in": None}, "ready · CUDA0 · embedding · stays"),
    ],
)
def test_the_frame_says_its_state(changes: dict[str, object], said: str) -> None:
    assert model.subtitle(loaded(**changes)).plain == said


def test_the_frame_says_how_many_workers_serve_it() -> None:
    assert model.title(loaded(instances=2)).plain == "qwen3-4b x2"
