from __future__ import annotations

import msgspec
import pytest

from llmd.config.settings import CacheType, EngineSettings, FlashAttention, MediaSettings
from llmd.config.values import Duration
from llmd.errors import ConfigInvalid
from llmd.protocol.frames import Shelf
from llmd.protocol.models import Drafting, Kind, ModelManifest
from llmd.runtime.orders import Orders
from tests.fakes.worker import manifest

SETTINGS = EngineSettings(
    parallel=3, kv_type=CacheType.Q8_0, stream_slowdown=3.5, flash_attention=FlashAttention.ON
)


def test_settings_and_kind_reach_the_worker() -> None:
    load = Orders(SETTINGS).load(manifest("m", kind=Kind.EMBEDDING))
    assert (load.parallel, load.kv_type, load.slowdown) == (3, "q8_0", 3.5)
    assert load.flash_attention == "on"
    assert load.embedding
    assert not Orders(SETTINGS).load(manifest("m")).embedding


def test_a_projector_is_loaded_for_chat_models_with_the_limits_of_media() -> None:
    sighted = msgspec.structs.replace(manifest("m"), projector="/p.gguf")
    senses = Orders(SETTINGS, MediaSettings(max_audio=Duration(-1))).load(sighted).senses
    assert senses
    assert senses.projector == "/p.gguf"
    assert senses.max_audio == 86_400
    assert Orders(SETTINGS, MediaSettings(max_audio=Duration(5))).load(sighted).senses != senses
    # settings have types of their own, which frames cannot carry
    assert msgspec.msgpack.encode(Orders(SETTINGS, MediaSettings()).load(sighted))
    assert Orders(SETTINGS).load(manifest("m")).senses is None


def test_how_a_model_speculates_is_asked_for_each() -> None:
    orders = Orders(SETTINGS, drafting=lambda model: Drafting(model=f"/{model.name}"))
    assert orders.load(manifest("m")).drafting.model == "/m"


def test_a_draft_model_that_is_missing_stops_the_load() -> None:
    def missing(_: ModelManifest) -> Drafting:
        raise ConfigInvalid("gone")

    with pytest.raises(ConfigInvalid):
        Orders(SETTINGS, drafting=missing).load(manifest("m"))


def test_prefixes_go_where_the_settings_say() -> None:
    shelf = Shelf("/cache/prefixes", 100, 10)
    load = Orders(SETTINGS, shelf=shelf, shelf_memory=7).load(manifest("m"))
    assert (load.shelf, load.shelf_memory) == (shelf, 7)
    assert Orders(SETTINGS).load(manifest("m")).shelf is None
