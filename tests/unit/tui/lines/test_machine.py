from __future__ import annotations

import pytest

from llmd.tui.lines import machine
from tests.fakes.snapshots import EMPTY, snapshot


@pytest.mark.parametrize("width", [40, 76, 120, 196])
def test_meters_fill_their_width(width: int) -> None:
    *meters, _ = machine.lines(snapshot(), width)
    assert {line.cell_length for line in meters} - {(width - 3) // 2} == {width}


def test_figures_of_processor_memory_and_gpus_are_told() -> None:
    text = "\n".join(line.plain for line in machine.lines(snapshot(), 60))
    assert "63% of 16" in text
    assert "9.0/32.0 GB" in text
    assert "cuda0   7.0/24.0 GB" in text


def test_the_daemon_is_told_in_numbers() -> None:
    whole = "1 queued, 1 reading, 1 writing · 4 connections · daemon 110 MB · http://127.0.0.1:8000"
    assert machine.lines(snapshot(), 90)[-1].plain == whole
    assert machine.lines(snapshot(), 76)[-1].plain == whole.removesuffix(" · http://127.0.0.1:8000")
    assert machine.lines(EMPTY, 76)[-1].plain.startswith("idle · ")
