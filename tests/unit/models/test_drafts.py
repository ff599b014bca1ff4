from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from llmd.config.settings import SpeculationMode, SpeculationSettings
from llmd.errors import ConfigInvalid
from llmd.models.drafts import Drafts, parse
from llmd.models.store import ModelStore
from llmd.protocol.models import Preset
from tests.fakes.gguf import write


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    store = ModelStore(tmp_path / "models", tiny_model)
    for name in ("large", "small", "other"):
        path = tmp_path / f"{name}.gguf"
        write(path)
        store.register(path, name)
    return store


def drafts(store: ModelStore, text: str, mode: SpeculationMode = SpeculationMode.AUTO) -> Drafts:
    return Drafts(store, SpeculationSettings(mode=mode, draft_models=text, longest=7, rows=9))


@pytest.mark.parametrize(
    ("text", "pairs", "for_all"),
    [
        ("", {}, ""),
        ("small", {}, "small"),
        ("a=b", {"a": "b"}, ""),
        (" a = b , c:4b=d:1b,e ,", {"a": "b", "c:4b": "d:1b"}, "e"),
    ],
)
def test_pairs_and_a_draft_model_for_all_are_read(
    text: str, pairs: dict[str, str], for_all: str
) -> None:
    assert parse(text) == (pairs, for_all)


@pytest.mark.parametrize("text", ["a=", "=b", "a=b,a=c", "b,c"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        parse(text)


def test_a_model_gets_the_draft_model_named_for_it(store: ModelStore) -> None:
    order = drafts(store, "LARGE=small").order
    found = order(store.get("large"))
    assert found.model == store.get("small").path
    assert found.must_fit
    assert (found.mode, found.longest, found.rows) == ("auto", 7, 9)
    assert order(store.get("other")).model == ""


def test_a_draft_model_for_all_may_not_fit_and_never_serves_itself(store: ModelStore) -> None:
    order = drafts(store, "small").order
    assert order(store.get("large")).model == store.get("small").path
    assert not order(store.get("large")).must_fit
    assert order(store.get("small")).model == ""


@pytest.mark.parametrize("mode", [SpeculationMode.OFF, SpeculationMode.NGRAM, SpeculationMode.MTP])
def test_other_modes_load_no_draft_model(store: ModelStore, mode: SpeculationMode) -> None:
    assert drafts(store, "small", mode).order(store.get("large")).model == ""


def test_a_draft_model_that_is_not_there_is_an_error_of_the_setting(store: ModelStore) -> None:
    with pytest.raises(ConfigInvalid, match="names gone, which cannot be loaded") as caught:
        drafts(store, "large=gone").order(store.get("large"))
    assert caught.value.param == "speculation.draft_models"
    assert drafts(store, "gone=small").order(store.get("large")).model == ""


def test_the_draft_model_of_a_preset_wins_over_the_setting(store: ModelStore) -> None:
    preset = Preset(base="large")
    large = msgspec.structs.replace(store.get("large"), draft="other", preset=preset)
    found = drafts(store, "large=small").order(large)
    assert found.model == store.get("other").path
    assert found.must_fit
    with pytest.raises(ConfigInvalid, match="large has the draft model gone") as caught:
        drafts(store, "").order(msgspec.structs.replace(large, draft="gone"))
    assert caught.value.param == "draft"


def test_a_draft_model_that_came_along_and_is_gone_is_done_without(store: ModelStore) -> None:
    pulled = msgspec.structs.replace(store.get("large"), draft="gone")
    assert drafts(store, "").order(pulled).model == ""
    found = drafts(store, "large=small").order(pulled)
    assert (found.model, found.must_fit) == (store.get("small").path, True)
