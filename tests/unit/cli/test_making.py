from __future__ import annotations

import pytest

from llmd.cli import making

PULL = [
    {"status": "resolving", "name": "o/r"},
    {"status": "downloading", "name": "o/r", "done": 500, "total": 1000, "rate": 100.0},
]
QUANTIZE = [
    {"status": "measuring", "name": "m:Q4_0"},
    *(
        {
            "status": "quantizing",
            "name": "m:Q4_0",
            "tensor": n,
            "tensors": 40,
            "done": n,
            "total": 40,
        }
        for n in range(1, 41)
    ),
    {"status": "done", "name": "m:Q4_0", "done": 40, "total": 40},
]
LOAD = [
    {"status": "loading", "fraction": 0.5},
    {"status": "ready", "fraction": 1.0, "model": {"name": "m:Q4_0"}},
]


def test_without_a_terminal_there_is_a_line_for_every_tenth(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert making.lines([*PULL, *QUANTIZE, *LOAD]) == LOAD[-1]
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[:3] == [
        "resolving o/r",
        "downloading o/r 50% of 1.0 kB 100 B/s, 5.0 s left",
        "measuring m:Q4_0",
    ]
    assert lines[3] == "quantizing m:Q4_0 0% of 40 B"
    assert lines[-1] == "done m:Q4_0"
    assert len(lines) == 15


def test_loading_alone_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert making.lines(LOAD) == LOAD[-1]
    assert capsys.readouterr().err == ""


def test_the_bar_takes_the_events_of_all_three(capsys: pytest.CaptureFixture[str]) -> None:
    assert making.bar([*PULL, *QUANTIZE, *LOAD]) == LOAD[-1]
    assert making.bar([]) == {}


def test_labels_say_what_is_being_done() -> None:
    assert making.label(QUANTIZE[3]) == "quantizing tensor 3 of 40"
    assert making.label({"status": "downloading", "name": "o/r:Q4_0"}) == "downloading r:Q4_0"
    assert making.label({"status": "waiting"}) == "waiting"


def test_shares_and_paces_are_left_out_where_they_are_not_known() -> None:
    assert making.fraction({"status": "measuring"}) is None
    assert making.fraction({"status": "loading", "fraction": 0.5}) == 0.5
    assert making.fraction({"status": "x", "done": 30, "total": 20}) == 1.0
    assert making.pace({"status": "done", "rate": 5.0}) == ""
    assert making.pace({"status": "quantizing", "rate": 5.0, "done": 10, "total": 10}) == "5 B/s"
