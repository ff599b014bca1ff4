from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.text import Text

from llmd.cli import render
from llmd.cli.columns import Column


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (4_600_000, "4.6 MB"),
        (130_000_000, "130 MB"),
        (4.2e9, "4.2 GB"),
        (5e13, "50.0 TB"),
    ],
)
def test_sizes_read_as_people_write_them(amount: float, text: str) -> None:
    assert render.size(amount) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(7, "7"), (4_200_000, "4.2M"), (7.6e9, "7.6B"), (6.71e11, "671B"), (1e12, "1.0T")],
)
def test_counts_are_short(number: float, text: str) -> None:
    assert render.count(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.42, "0.4 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (300, "5 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (100_000, "1 d 3 h"),
    ],
)
def test_durations_show_two_units(seconds: float, text: str) -> None:
    assert render.duration(seconds) == text


@pytest.mark.parametrize(
    ("passed", "text"),
    [(5, "just now"), (65, "1 minute ago"), (7300, "2 hours ago"), (2e5, "2 days ago")],
)
def test_moments_are_so_long_ago(passed: float, text: str) -> None:
    assert render.ago(time.time() - passed) == text


def test_a_table_that_is_piped_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    render.table(("NAME", "SIZE"), [("n" * 300, "[bold]1"), ("模型", "2")])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "SIZE"]
    assert first.split() == ["n" * 300, "[bold]1"]
    assert second.split() == ["模型", "2"]


@pytest.mark.parametrize("room", [40, 80, 120])
def test_a_table_on_a_terminal_keeps_names_whole_and_says_what_is_left_out(
    room: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    pretend_terminal: Callable[[], None],
) -> None:
    monkeypatch.setenv("COLUMNS", str(room))
    pretend_terminal()
    others = ["SIZE", "KIND", "LICENSE", "ADDED", "HERE"]
    headings = ("NAME", *others, Column("DESCRIPTION", 1, text=True))
    rows = [(f"model-{number}-模型-of-a-length", *["x" * 18] * 5, "d" * 99) for number in range(9)]
    render.table(headings, rows)
    captured = capsys.readouterr()
    head, *lines = Text.from_ansi(captured.out).plain.splitlines()
    assert [line.split()[0] for line in lines] == [row[0] for row in rows]
    assert max(map(cell_len, lines)) <= room
    shown, left_out = head.split(), captured.err.split(": ")[1].rstrip(".\n").split(", ")
    assert {*shown, *left_out} == {"NAME", *others, "DESCRIPTION"}
    assert all(len(line.split()) == len(shown) for line in lines)
    assert not any("…" in cell for line in lines for cell in line.split()[:-1])


def test_a_name_wider_than_the_terminal_is_not_cut(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    pretend_terminal: Callable[[], None],
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    pretend_terminal()
    render.table(("NAME", "SIZE"), [("n" * 54, "4.2 GB")])
    assert capsys.readouterr().out.splitlines()[1] == "n" * 54


def test_fields_line_up_and_empty_ones_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    render.fields([("a", "1"), ("long", "2"), ("none", "")])
    assert capsys.readouterr().out == "a     1\nlong  2\n"


def test_json_is_a_document_or_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    render.print_json({"a": "ü"})
    render.print_json_line({"a": "ü"})
    assert capsys.readouterr().out == '{\n  "a": "ü"\n}\n{"a":"ü"}\n'


def test_notes_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    render.note("by the way")
    assert capsys.readouterr() == ("", "by the way\n")
