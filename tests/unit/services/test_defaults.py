from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from llmd.config.settings import ModelSettings
from llmd.config.store import load_settings
from llmd.errors import InvalidRequest, ModelNotFound
from llmd.models.store import ModelStore
from llmd.protocol.models import Kind, Medium, ModelManifest
from llmd.services.defaults import Defaults, Purpose


@pytest.fixture
def store(
    tmp_path: Path, tiny_model: Path, embedding_model: Path, reranker_model: Path
) -> ModelStore:
    """The built-in model, an embedding model and a reranker."""
    store = ModelStore(tmp_path / "models", tiny_model)
    store.register(embedding_model, "embedder")
    store.register(reranker_model, "ranker")
    return store


PICTURE, SOUND = {Medium.IMAGE}, {Medium.AUDIO}


def seeing(store: ModelStore, name: str) -> ModelManifest:
    store.copy("llmd-tiny", name)
    return store.change(name, lambda model: msgspec.structs.replace(model, vision=True))


def hearing(store: ModelStore, name: str) -> ModelManifest:
    store.copy("llmd-tiny", name)
    return store.change(name, lambda model: msgspec.structs.replace(model, audio=True))


def test_a_name_wins_over_any_default(store: ModelStore) -> None:
    defaults = Defaults(store, ModelSettings(default="embedder"))
    assert defaults.resolve("llmd-tiny", Kind.CHAT).name == "llmd-tiny"
    assert defaults.resolve("", Kind.CHAT).name == "embedder"
    assert defaults.resolve("default", Kind.CHAT).name == "embedder"
    with pytest.raises(ModelNotFound):
        defaults.resolve("nothing", Kind.CHAT)


def test_what_nobody_chose_is_the_newest_that_can(store: ModelStore) -> None:
    defaults = Defaults(store, ModelSettings())
    assert defaults.resolve(None, Kind.CHAT).name == "llmd-tiny"
    assert defaults.resolve(None, Kind.EMBEDDING).name == "embedder"
    assert defaults.resolve(None, Kind.RERANK).name == "ranker"
    rows = {row.purpose: row for row in defaults.list()}
    assert rows[Purpose.VISION].model == ""
    assert not rows[Purpose.CHAT].chosen


def test_pictures_go_to_a_model_that_sees(store: ModelStore) -> None:
    defaults = Defaults(store, ModelSettings())
    assert defaults.resolve(None, Kind.CHAT, media=PICTURE).name == "llmd-tiny", "it says why not"
    seeing(store, "eye")
    assert defaults.resolve(None, Kind.CHAT, media=PICTURE).name == "eye"
    seeing(store, "newer-eye")
    assert defaults.resolve(None, Kind.CHAT, media=PICTURE).name == "newer-eye"
    chosen = Defaults(store, ModelSettings(default="eye"))
    assert chosen.resolve(None, Kind.CHAT, media=PICTURE).name == "eye"
    chosen = Defaults(store, ModelSettings(default="eye", default_vision="newer-eye"))
    assert chosen.resolve(None, Kind.CHAT, media=PICTURE).name == "newer-eye"
    assert chosen.resolve(None, Kind.CHAT).name == "eye"


def test_a_request_goes_to_a_model_that_takes_all_of_it(store: ModelStore) -> None:
    defaults = Defaults(store, ModelSettings())
    seeing(store, "eye")
    hearing(store, "newer-ear")
    assert defaults.resolve(None, Kind.CHAT, media=PICTURE).name == "eye"
    assert defaults.resolve(None, Kind.CHAT, media=SOUND).name == "newer-ear"
    assert defaults.resolve(None, Kind.CHAT, media=PICTURE | SOUND).name == "newer-ear"
    chosen = Defaults(store, ModelSettings(default="newer-ear", default_vision="newer-ear"))
    assert chosen.resolve(None, Kind.CHAT, media=SOUND).name == "newer-ear"
    assert chosen.resolve(None, Kind.CHAT, media=PICTURE).name == "eye"
    rows = {row.purpose: row.model for row in defaults.list()}
    assert rows[Purpose.VISION] == "eye"
    rows = {row.purpose: row.model for row in chosen.list()}
    assert rows[Purpose.VISION] == "newer-ear"


def test_the_row_for_pictures_names_a_model_that_only_hears(store: ModelStore) -> None:
    hearing(store, "ear")
    rows = {row.purpose: row for row in Defaults(store, ModelSettings()).list()}
    assert (rows[Purpose.VISION].model, rows[Purpose.VISION].chosen) == ("ear", False)


async def test_a_choice_holds_at_once_and_after_a_restart(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LLMD_MODEL", "LLMD_MODELS_DEFAULT"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "config.toml"
    defaults = Defaults(store, ModelSettings(), file)
    store.copy("llmd-tiny", "other")
    row = await defaults.change(Purpose.CHAT, "OTHER")
    assert (row.model, row.chosen, row.overridden_by) == ("other", True, "")
    assert defaults.resolve(None, Kind.CHAT).name == "other"
    again = Defaults(store, load_settings(file, {}).settings.models, file)
    assert again.resolve(None, Kind.CHAT).name == "other"
    row = await again.change(Purpose.CHAT, None)
    assert (row.chosen, load_settings(file, {}).settings.models.default) == (False, "")


async def test_an_environment_variable_that_will_win_is_named(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMD_MODEL", "embedder")
    defaults = Defaults(store, ModelSettings(), tmp_path / "config.toml")
    assert (await defaults.change(Purpose.CHAT, "llmd-tiny")).overridden_by == "LLMD_MODEL"
    assert defaults.resolve(None, Kind.CHAT).name == "llmd-tiny", "but now it is that one"


@pytest.mark.parametrize(
    ("purpose", "model"),
    [
        (Purpose.CHAT, "embedder"),
        (Purpose.VISION, "llmd-tiny"),
        (Purpose.EMBEDDING, "ranker"),
        (Purpose.RERANK, "embedder"),
    ],
)
async def test_a_model_that_cannot_do_it_is_refused_and_nothing_is_written(
    store: ModelStore, tmp_path: Path, purpose: Purpose, model: str
) -> None:
    file = tmp_path / "config.toml"
    with pytest.raises(InvalidRequest):
        await Defaults(store, ModelSettings(), file).change(purpose, model)
    with pytest.raises(ModelNotFound):
        await Defaults(store, ModelSettings(), file).change(purpose, "nothing")
    assert not file.exists()


async def test_a_default_that_is_not_here_is_named_with_the_way_out(store: ModelStore) -> None:
    store.copy("llmd-tiny", "other")
    defaults = Defaults(store, ModelSettings())
    row = await defaults.change(Purpose.CHAT, "other")
    assert not row.missing
    store.remove("other")
    row = defaults.list()[0]
    assert (row.model, row.chosen, row.missing) == ("other", True, True)
    with pytest.raises(ModelNotFound, match="The default for chat is not here") as caught:
        defaults.resolve(None, Kind.CHAT)
    assert "llmd default chat --auto" in caught.value.hint


def test_pictures_find_a_model_that_sees_though_the_default_is_not_here(store: ModelStore) -> None:
    gone = Defaults(store, ModelSettings(default="gone"))
    with pytest.raises(ModelNotFound, match="The default for chat"):
        gone.resolve(None, Kind.CHAT, media=PICTURE)
    seeing(store, "eye")
    assert gone.resolve(None, Kind.CHAT, media=PICTURE).name == "eye"
    chosen = Defaults(store, ModelSettings(default_vision="gone"))
    with pytest.raises(ModelNotFound, match="The default for vision"):
        chosen.resolve(None, Kind.CHAT, media=PICTURE)


async def test_what_a_model_was_chosen_for_is_left_to_the_newest(
    store: ModelStore, tmp_path: Path
) -> None:
    store.copy("llmd-tiny", "other")
    file = tmp_path / "config.toml"
    settings = ModelSettings(default="OTHER", default_embedding="other", default_vision="gone")
    defaults = Defaults(store, settings, file)
    purposes = defaults.purposes_of("other")
    assert set(purposes) == {Purpose.CHAT, Purpose.EMBEDDING}
    store.remove("other")
    await defaults.release(purposes)
    assert defaults.resolve(None, Kind.CHAT).name == "llmd-tiny"
    assert load_settings(file, {}).settings.models.default == ""
    assert defaults.chosen(Purpose.VISION) == "gone"


async def test_what_cannot_be_written_of_a_model_that_went_holds_until_the_end(
    store: ModelStore, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("this is no TOML")
    defaults = Defaults(store, ModelSettings(default="gone"), file)
    await defaults.release([Purpose.CHAT])
    assert defaults.resolve(None, Kind.CHAT).name == "llmd-tiny"


async def test_what_was_chosen_is_told_as_it_was_chosen(store: ModelStore) -> None:
    defaults = Defaults(store, ModelSettings())
    assert defaults.chosen(Purpose.CHAT) == ""
    await defaults.change(Purpose.CHAT, "llmd-tiny")
    assert defaults.chosen(Purpose.CHAT) == "llmd-tiny"
