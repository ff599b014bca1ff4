"""Catalogue files, whole and damaged."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.models.catalog.reading import Fault, read

GOOD = "[[model]]\nalias = 'good'\nsource = 'acme/good-GGUF'\n"


def test_entries_come_in_the_order_of_the_file() -> None:
    text = GOOD + "[[model]]\nalias = 'a'\nsource = 'acme/a'\n"
    assert list(read(text).entries) == ["good", "a"]
    assert read(text).faults == ()
    assert read("").entries == {}


@pytest.mark.parametrize(
    ("table", "alias", "reason"),
    [
        ("alias = 'x'", "x", "source"),
        ("source = 'a/b'", "", "alias"),
        ("alias = 'x'\nsource = 3", "x", "Expected `str`"),
        ("alias = 'x'\nsource = 'a/b'\ncolour = 'red'", "x", "colour"),
        ("alias = 'x'\nsource = 'a/b'\ncapabilities = ['sing']", "x", "sing"),
        ("alias = 'x'\nsource = 'a/b'\nsampling = { temprature = 1 }", "x", "temprature"),
        ("alias = 'x'\nsource = 'a/b'\nsampling = { temperature = 'hot' }", "x", "Expected `float"),
        ("alias = 'x'\nsource = 'a/b'\nquantizations = { Q4_0 = -1 }", "x", ">= 0"),
        ("alias = 'x'\nsource = '../b'", "x", "neither a repository"),
        ("alias = 'good'\nsource = 'a/b'", "good", "already belongs to good"),
        ("alias = 'x'\nsource = 'a/b'\nalso = ['good']", "x", "already belongs to good"),
    ],
)
def test_a_damaged_entry_is_reported_and_the_others_stay(
    table: str, alias: str, reason: str
) -> None:
    reading = read(f"# mine\n{GOOD}\n[[model]]\n{table}\n\n[[model]]\nalias='z'\nsource='a/z'\n")
    assert list(reading.entries) == ["good", "z"]
    (fault,) = reading.faults
    assert (fault.line, fault.entry) == (6, alias)
    assert reason in fault.reason


def test_what_is_no_toml_is_reported_with_its_line() -> None:
    reading = read(f"{GOOD}alias = = 'b'\n")
    assert reading.entries == {}
    assert reading.faults[0].line == 4
    assert "TOML" in reading.faults[0].reason


def test_what_is_no_table_of_models_is_reported() -> None:
    assert read("model = 3").faults == (Fault(0, "", "Entries begin with [[model]]."),)
    misspelt = read(f"{GOOD}[[modle]]\nalias = 'x'\n")
    assert list(misspelt.entries) == ["good"]
    assert "modle" in misspelt.faults[0].reason
    assert read("model = [1, 'x']").faults[0].line == 0


def test_tables_written_inline_have_no_line_but_count() -> None:
    reading = read("model = [{ alias = 'a', source = 'b/c' }, { alias = 'x' }]")
    assert list(reading.entries) == ["a"]
    assert reading.faults[0].entry == "x"


def test_nesting_without_end_is_no_crash() -> None:
    assert read("model = " + "[" * 100_000).faults


@given(st.text(max_size=200))
def test_any_text_is_read_or_reported(text: str) -> None:
    reading = read(text)
    try:
        empty = not tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        empty = False
    assert empty or reading.faults or reading.entries or "model" in text
