from __future__ import annotations

import pytest

from llmd.protocol.catalog import Fit
from llmd.protocol.models import Kind
from llmd.tui.finding import Sort, Wanted, find, in_order, score
from llmd.tui.stock import items
from tests.fakes.shelf import GB, loaded, manifest, offer

ITEMS = items(
    [manifest("llmd-tiny")],
    [
        offer("qwen3-4b", capabilities=["chat", "tools", "reasoning"]),
        offer(
            "gemma4-e4b",
            capabilities=["chat", "vision"],
            license="Gemma",
            description="Sees pictures",
        ),
        offer("llama3.3-70b", size=43 * GB, fit=Fit.NO, description="Large", license="Llama 3.3"),
        offer(
            "bge-m3",
            kind=Kind.EMBEDDING,
            capabilities=["embedding"],
            size=GB,
            description="中文和英文",
        ),
    ],
    [loaded("llmd-tiny")],
    {"chat": "llmd-tiny"},
)


def names(words: str = "", **wanted: object) -> list[str]:
    return [item.name for item in find(ITEMS, Wanted(words=words, **wanted))]


def test_without_words_everything_stays_in_order() -> None:
    assert names() == [item.name for item in ITEMS]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("qwen3", ["qwen3-4b"]),
        ("qwen", ["qwen3-4b", "llmd-tiny"]),
        ("GEMMA", ["gemma4-e4b"]),
        ("pictures", ["gemma4-e4b"]),
        ("vision gemma", ["gemma4-e4b"]),
        ("vision qwen", []),
        ("中文", ["bge-m3"]),
        ("loaded", ["llmd-tiny"]),
        ("default", ["llmd-tiny"]),
        ("embedding", ["bge-m3"]),
        ("<2GB", ["llmd-tiny", "bge-m3"]),
        ("catalogue <2GB", ["bge-m3"]),
        ("qw4b", ["qwen3-4b"]),
        ("nothing-like-it", []),
    ],
)
def test_words_find_names_abilities_states_and_sizes(words: str, found: list[str]) -> None:
    assert names(words) == found


def test_names_that_begin_so_come_first() -> None:
    entries = items(
        [], [offer("tiny-x", tags=["tiny"]), offer("a", tags=["tiny"]), offer("not-tiny")]
    )
    assert [item.name for item in find(entries, Wanted(words="tiny"))] == [
        "tiny-x",
        "not-tiny",
        "a",
    ]


def test_kinds_narrow_what_is_shown() -> None:
    assert names(sort=Sort.VISION) == ["gemma4-e4b"]
    assert names(sort=Sort.HERE) == ["llmd-tiny"]
    assert names(sort=Sort.EMBEDDING) == ["bge-m3"]


def test_what_is_known_not_to_fit_can_stay_away() -> None:
    assert "llama3.3-70b" not in names(fitting=True)
    assert "llmd-tiny" in names(fitting=True)


def test_the_key_for_kinds_goes_round() -> None:
    seen, sort = [], Sort.ALL
    for _ in Sort:
        seen.append(sort)
        sort = sort.next
    assert sort is Sort.ALL
    assert seen == list(Sort)


def test_letters_must_be_in_order_and_near() -> None:
    assert in_order("q4b", "qwen3-4b")
    assert not in_order("b4q", "qwen3-4b")
    assert not in_order("ab", "a" + "-" * 20 + "b")
    assert not in_order("x", "")


def test_two_letters_apart_find_nothing() -> None:
    assert score(ITEMS[1], "qb") == 0
    assert score(ITEMS[1], "<x") == 0
