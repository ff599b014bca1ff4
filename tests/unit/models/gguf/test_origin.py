from __future__ import annotations

from typing import Any

from llmd.models.gguf.header import Header
from llmd.models.gguf.origin import Calibration, Source, origin_of


def told(**values: Any) -> Header:
    return Header(3, {key.replace("__", "."): value for key, value in values.items()}, (), 0, 0)


def test_a_file_says_where_it_comes_from() -> None:
    found = origin_of(
        told(
            general__name="Tiny",
            general__author="Ann",
            general__license="apache-2.0",
            general__license__name="Apache 2",
            general__languages=["en", "zh"],
            general__base_model__count=2,
            general__base_model__0__name="Base",
            general__base_model__0__organization="Org",
            general__base_model__1__repo_url="https://example.org/base",
            quantize__imatrix__file="imatrix.gguf",
            quantize__imatrix__chunks_count=120,
        )
    )
    assert (found.name, found.author, found.license) == ("Tiny", "Ann", "Apache 2")
    assert found.languages == ["en", "zh"]
    assert found.bases == [
        Source(name="Base", organization="Org"),
        Source(url="https://example.org/base"),
    ]
    assert found.calibration == Calibration(file="imatrix.gguf", chunks=120)


def test_a_file_may_say_nothing() -> None:
    found = origin_of(told())
    assert found.name == ""
    assert found.calibration is None


def test_hostile_words_stay_short() -> None:
    found = origin_of(
        told(
            general__name="x" * 10_000,
            general__author=["not", "a", "text"],
            general__tags="not a list",
            general__base_model__count=2**40,
        )
    )
    assert len(found.name) == 2000
    assert (found.author, found.tags, found.bases) == ("", [], [])
