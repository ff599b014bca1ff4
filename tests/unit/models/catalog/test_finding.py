"""What a search means, and what fits."""

from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.models.catalog import Capability, Entry, builtin
from llmd.models.catalog.finding import find, fit
from llmd.protocol.catalog import Fit

GB = 10**9
ENTRIES = [
    Entry(
        alias="acme-1b",
        also=["acme:1b"],
        source="acme/one",
        quantization="Q4_0",
        quantizations={"Q4_0": GB, "Q8_0": 2 * GB},
        license="MIT",
        description="Small, speaks Chinese",
        tags=["small"],
    ),
    Entry(alias="other", source="b/acme-two", capabilities=[Capability.EMBEDDING]),
    Entry(alias="sees", source="c/d", capabilities=[Capability.CHAT, Capability.VISION]),
    Entry(alias="late", source="e/f", description="like acme"),
]


def names(*words: str, kind: str = "", largest: int = 0) -> list[str]:
    return [entry.alias for entry in find(ENTRIES, words, kind=kind, largest=largest)]


def test_without_words_all_are_found_in_order() -> None:
    assert names() == names("") == ["acme-1b", "other", "sees", "late"]


def test_closer_ones_come_first() -> None:
    assert names("acme") == ["acme-1b", "other", "late"]
    assert names("ACME:1B") == ["acme-1b"]


def test_every_word_must_be_found() -> None:
    assert names("acme", "mit") == ["acme-1b"]
    assert names("chinese", "small") == ["acme-1b"]
    assert names("acme", "vision") == []


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("embedding", ["other"]),
        ("VISION", ["sees"]),
        ("chat", ["acme-1b", "sees", "late"]),
        ("rerank", []),
    ],
)
def test_kinds_and_abilities_narrow_it(kind: str, found: list[str]) -> None:
    assert names(kind=kind) == found


def test_an_unknown_kind_is_refused_with_a_guess() -> None:
    with pytest.raises(InvalidRequest) as failure:
        names(kind="visoin")
    assert "Did you mean vision?" in failure.value.hint


def test_a_limit_leaves_out_what_is_larger_or_unknown() -> None:
    assert names(largest=GB) == ["acme-1b"]
    assert names(largest=GB - 1) == []


@pytest.mark.parametrize(
    ("size", "fits"),
    [(0, Fit.UNKNOWN), (GB, Fit.YES), (5 * GB, Fit.YES), (8 * GB, Fit.TIGHT), (14 * GB, Fit.NO)],
)
def test_more_than_the_weights_must_fit(size: int, fits: Fit) -> None:
    assert fit(size, available=8 * GB, total=16 * GB) is fits


def test_people_find_what_they_look_for() -> None:
    def first(*words: str) -> str:
        return find(builtin().values(), words)[0].alias

    assert first("qwen3-4b") == "qwen3-4b"
    assert first("llama3.2:1b") == "llama3.2-1b"
    assert "code" in builtin()[first("code")].tags
    assert Capability.EMBEDDING in builtin()[first("embed", "multilingual")].capabilities
