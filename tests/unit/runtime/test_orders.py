from __future__ import annotations

import msgspec
import pytest

from llmd.config.settings import CacheType, EngineSettings, FlashAttention, MediaSettings
from llmd.config.values import Duration
from llmd.errors import ConfigInvalid
from llmd.protocol.frames import Load, Shelf
from llmd.protocol.models import Drafting, Kind, ModelManifest, Preset
from llmd.protocol.placement import LoadOptions
from llmd.runtime.orders import Orders
from tests.fakes.planner import planned
from tests.fakes.worker import manifest

SETTINGS = EngineSettings(
    parallel=3, kv_type=CacheType.Q8_0, stream_slowdown=3.5, flash_attention=FlashAttention.ON
)


def ordered(
    orders: Orders,
    model: ModelManifest,
    options: LoadOptions = LoadOptions(),  # noqa: B008  frozen
) -> Load:
    return orders.load(model, options, planned(model, options))


def test_settings_and_kind_reach_the_worker() -> None:
    load = ordered(Orders(SETTINGS), manifest("m", kind=Kind.EMBEDDING))
    assert load.slowdown == 3.5
    assert load.flash_attention == "on"
    assert load.embedding
    assert not ordered(Orders(SETTINGS), manifest("m")).embedding


def test_a_projector_is_loaded_for_chat_models_with_the_limits_of_media() -> None:
    sighted = msgspec.structs.replace(manifest("m"), projector="/p.gguf")
    senses = ordered(Orders(SETTINGS, MediaSettings(max_audio=Duration(-1))), sighted).senses
    assert senses
    assert senses.projector == "/p.gguf"
    assert senses.max_audio == 86_400
    assert ordered(Orders(SETTINGS, MediaSettings(max_audio=Duration(5))), sighted).senses != senses
    # settings have types of their own, which frames cannot carry
    assert msgspec.msgpack.encode(ordered(Orders(SETTINGS, MediaSettings()), sighted))
    assert ordered(Orders(SETTINGS), manifest("m")).senses is None


def test_how_a_model_speculates_is_asked_for_each() -> None:
    orders = Orders(SETTINGS, drafting=lambda model: Drafting(model=f"/{model.name}"))
    assert ordered(orders, manifest("m")).drafting.model == "/m"


def test_a_draft_model_that_is_missing_stops_the_load() -> None:
    def missing(_: ModelManifest) -> Drafting:
        raise ConfigInvalid("gone")

    with pytest.raises(ConfigInvalid):
        ordered(Orders(SETTINGS, drafting=missing), manifest("m"))


def test_prefixes_go_where_the_settings_say() -> None:
    shelf = Shelf("/cache/prefixes", 100, 10)
    load = ordered(Orders(SETTINGS, shelf=shelf), manifest("m"))
    assert load.shelf == shelf
    assert ordered(Orders(SETTINGS), manifest("m")).shelf is None


def test_the_plan_says_how_large_and_the_options_what_else() -> None:
    options = LoadOptions(context_length=512, kv_type="q4_0", flash_attention="off")
    load = ordered(Orders(SETTINGS), manifest("m"), options)
    assert (load.context_length, load.kv_type, load.flash_attention) == (512, "q4_0", "off")


def test_the_plan_says_where_everything_goes() -> None:
    plan = msgspec.structs.replace(
        planned(manifest("m"), LoadOptions()),
        gpu_layers=7,
        cpu_moe=3,
        tensor_split=[3.0, 1.0],
        mapped=False,
        locked=True,
        shelf_memory=9,
    )
    load = Orders(SETTINGS).load(manifest("m"), LoadOptions(require_gpu=True), plan)
    assert (load.gpu_layers, load.cpu_moe, load.tensor_split) == (7, 3, [3.0, 1.0])
    assert (load.mmap, load.mlock, load.shelf_memory, load.require_gpu) == (False, True, 9, True)


def test_a_presets_template_takes_the_place_of_the_files() -> None:
    preset = msgspec.structs.replace(manifest("m"), preset=Preset(template="{{ messages }}"))
    assert ordered(Orders(SETTINGS), preset).template == "{{ messages }}"
    assert ordered(Orders(SETTINGS), manifest("m")).template == ""
