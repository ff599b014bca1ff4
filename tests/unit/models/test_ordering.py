"""From what a name asks for to the program that fetches it."""

from __future__ import annotations

import pytest

from llmd.models.catalog import Entry, Wanted
from llmd.models.ordering import ordered
from llmd.models.references import (
    HubReference,
    ModelScopeReference,
    OllamaReference,
    RemoteReference,
    UrlReference,
)
from llmd.protocol.models import SamplingDefaults

ENTRY = Entry(
    alias="large",
    source="acme/large-GGUF",
    draft="tiny",
    sampling=SamplingDefaults(temperature=0.6),
)


@pytest.mark.parametrize(
    ("reference", "source", "arguments"),
    [
        (HubReference("a/b", "Q8_0", "v2"), "huggingface", ("a/b", "Q8_0", "v2")),
        (UrlReference("https://h/m.gguf", "ab"), "https", ("https://h/m.gguf", "ab", "/models")),
        (OllamaReference("m", "1b"), "ollama", ("m", "1b", "/models")),
        (ModelScopeReference("a/b", ""), "modelscope", ("a/b", "", "/models")),
    ],
)
def test_each_source_has_its_program(
    reference: RemoteReference, source: str, arguments: tuple[str, ...]
) -> None:
    order = ordered(Wanted(reference), "/models")
    assert (order.source, order.arguments, order.name) == (source, arguments, "")


def test_the_catalogue_gives_name_draft_and_sampling() -> None:
    wanted = Wanted(HubReference("acme/large-GGUF"), "large:Q8_0", ENTRY)
    order = ordered(wanted, "/models")
    assert (order.name, order.shown, order.draft) == ("large:Q8_0", "large:Q8_0", "tiny")
    assert order.sampling.temperature == 0.6
    assert ordered(wanted, "/models", draft=False).draft == ""


def test_advice_does_not_make_another_download() -> None:
    one = ordered(Wanted(HubReference("a/b"), "x"), "/models")
    other = ordered(Wanted(HubReference("a/b"), "x", Entry(alias="x", source="a/b")), "/models")
    assert one == other
    assert len({one, other}) == 1
