from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmd.config.settings import EngineSettings, Settings, WindowCache
from llmd.models.gguf.facts import Facts
from llmd.models.placement.arranging import Fitting, shape_key
from llmd.models.placement.correcting import Lesson
from llmd.protocol.placement import DeviceRoom, DeviceUse, Parts
from tests.unit.models.placement.conftest import (
    FEW,
    GIB,
    MIB,
    cpu,
    facts,
    gpu,
    layer,
    moe,
    subject,
    wishes,
)

FROZEN: frozenset[str] = frozenset()


def fitting(
    rooms: list[DeviceRoom],
    found: Facts | None = None,
    lessons: list[Lesson] | None = None,
    **options: Any,
) -> Fitting:
    made = subject(found or facts())
    return Fitting(made, wishes(made.facts, FEW, **options), rooms, frozenset(), lessons or [])


def test_with_room_enough_nothing_is_given_up() -> None:
    found = fitting([cpu(60 * GIB)]).search()
    assert found
    assert found.shape.context_length == 8192
    assert found.shape.cells == 2 * 8192
    assert found.placing.gpu_layers == 0


def test_cells_go_before_the_context() -> None:
    found = fitting([cpu(700 * MIB)], parallel=16).search()
    assert found
    assert found.shape.context_length == 8192
    assert 8192 <= found.shape.cells < 16 * 8192


def test_a_context_that_nobody_asked_for_shrinks() -> None:
    found = fitting([cpu(654 * MIB)]).search()
    assert found
    assert found.shape.context_length == 4096


def test_a_context_that_somebody_asked_for_does_not() -> None:
    assert fitting([cpu(654 * MIB)], context_length=8192).search() is None
    assert fitting([cpu(654 * MIB)], context_length=2048).search()


def test_a_cache_that_somebody_asked_for_is_exactly_that() -> None:
    found = fitting([cpu(60 * GIB)], kv_tokens=10_000, context_length=5000).search()
    assert found
    assert found.shape.cells == 10_240
    assert fitting([cpu(600 * MIB)], kv_tokens=500_000).search() is None


def windowed(window: int, keys: int = 256) -> Facts:
    """A model all of whose layers but one look back over a window."""
    layers = [layer(windowed=n > 0, cached_keys=keys, cached_values=keys) for n in range(8)]
    return facts(8, layers=layers, window=window)


def set_to(windows: WindowCache) -> Settings:
    return Settings(engine=EngineSettings(parallel=2, prefixes=0, swa_cache=windows))


def test_windows_that_are_quickly_copied_are_all_that_is_kept() -> None:
    found = fitting([cpu(60 * GIB)], windowed(512)).search()
    assert found
    assert not found.shape.full_windows
    assert found.shape.cells == 2 * 8192


def test_larger_windows_are_kept_whole_while_there_is_room() -> None:
    large = windowed(2000, keys=2048)
    found = fitting([cpu(60 * GIB)], large).search()
    assert found
    assert found.shape.full_windows
    tight = fitting([cpu(2400 * MIB)], large, context_length=32768).search()
    assert tight
    assert not tight.shape.full_windows
    assert tight.shape.cells >= 32768


def test_large_windows_give_way_to_layers_on_a_gpu() -> None:
    large = windowed(2000, keys=2048)
    rooms = [gpu(2200 * MIB), cpu(60 * GIB)]
    found = fitting(rooms, large, kv_tokens=16384).search()
    assert found
    assert found.placing.gpu_layers == 9
    assert not found.shape.full_windows
    made = subject(large)
    set_full = wishes(made.facts, set_to(WindowCache.FULL), kv_tokens=16384)
    full = Fitting(made, set_full, rooms, FROZEN).search()
    assert full
    assert full.placing.gpu_layers < 9


def test_what_is_set_for_windows_holds() -> None:
    for windows, full in ((WindowCache.FULL, True), (WindowCache.WINDOW, False)):
        for size in (512, 5000):
            made = subject(windowed(size))
            found = Fitting(made, wishes(made.facts, set_to(windows)), [cpu(60 * GIB)], FROZEN)
            arrangement = found.search()
            assert arrangement
            assert arrangement.shape.full_windows is full
    assert fitting([cpu(60 * GIB)], facts()).wanted.full_windows


def test_narrow_windows_take_part_in_what_a_cache_may_cost() -> None:
    made = subject(windowed(512))
    few = fitting([cpu(2 * GIB)], windowed(512), parallel=64)
    found = few.search()
    assert found
    assert 8192 < found.shape.cells < 64 * 8192
    cache = sum(use.parts.kv_cache for use in found.uses)
    assert 0.9 < cache / (2 * GIB / 4) <= 1
    full = Fitting(
        made, wishes(made.facts, set_to(WindowCache.FULL)), [cpu(2 * GIB)], FROZEN
    ).search()
    assert full
    assert full.shape.cells < found.shape.cells / 2


def test_all_layers_go_to_a_gpu_that_has_room() -> None:
    found = fitting([gpu(4 * GIB), cpu(4 * GIB)]).search()
    assert found
    assert found.placing.gpu_layers == 5
    assert found.placing.gpus == ("CUDA0",)


def test_a_gpu_with_less_room_gets_as_many_layers_as_fit() -> None:
    found = fitting([gpu(1000 * MIB), cpu(4 * GIB)]).search()
    assert found
    assert 0 < found.placing.gpu_layers < 5
    more = found.placing.gpu_layers + 1
    assert fitting([gpu(1000 * MIB), cpu(4 * GIB)], gpu_layers=more).search() is None


def test_a_gpu_without_room_is_left_alone() -> None:
    found = fitting([gpu(100 * MIB), cpu(4 * GIB)]).search()
    assert found
    assert found.placing.gpus == ()
    assert [use.device for use in found.uses] == ["CPU"]


def test_layers_that_were_asked_for_are_not_taken_back() -> None:
    assert fitting([gpu(100 * MIB), cpu(4 * GIB)], gpu_layers=5).search() is None
    exact = fitting([gpu(8 * GIB), cpu(4 * GIB)], gpu_layers=2).search()
    assert exact
    assert exact.placing.gpu_layers == 2


def test_nothing_goes_to_gpus_that_are_not_preferred() -> None:
    found = fitting([gpu(8 * GIB), cpu(4 * GIB)], prefer_gpu=False).search()
    assert found
    assert found.placing.gpu_layers == 0


def test_a_required_gpu_takes_all_or_nothing() -> None:
    assert fitting([gpu(1000 * MIB), cpu(4 * GIB)], require_gpu=True).search() is None
    found = fitting([gpu(4 * GIB), cpu(4 * GIB)], require_gpu=True).search()
    assert found
    assert found.placing.gpu_layers == 5


def test_experts_leave_the_gpu_before_layers_do() -> None:
    found = fitting([gpu(1500 * MIB), cpu(4 * GIB)], moe()).search()
    assert found
    assert found.placing.gpu_layers == 5
    assert 0 < found.placing.cpu_moe < 4
    fewer = fitting([gpu(1500 * MIB), cpu(4 * GIB)], moe(), cpu_moe=found.placing.cpu_moe - 1)
    layers = fewer.search()
    assert layers
    assert layers.placing.gpu_layers < 5, "what was asked for stays, so layers must go"


def test_several_gpus_are_used_by_what_is_free_or_as_asked() -> None:
    rooms = [gpu(3 * GIB, "CUDA0"), gpu(GIB, "CUDA1"), cpu(4 * GIB)]
    assert fitting(rooms).split == (3.0 * GIB, 1.0 * GIB)
    assert fitting(rooms, tensor_split=[1.0, 1.0]).split == (1.0, 1.0)
    found = fitting(rooms).search()
    assert found
    assert [use.device for use in found.uses] == ["CUDA0", "CUDA1", "CPU"]
    assert found.uses[0].parts.weights > found.uses[1].parts.weights


def test_lessons_make_a_model_smaller_or_larger() -> None:
    rooms = [cpu(2 * GIB)]
    first = fitting(rooms, context_length=8192).search()
    assert first
    compute = first.uses[0].parts.compute
    real = [DeviceUse(device="CPU", parts=Parts(compute=3 * compute))]
    lessons = [Lesson(shape_key(first.shape, first.placing), first.uses, real, 1.0)]
    second = fitting(rooms, lessons=lessons, context_length=8192).search()
    assert second
    assert second.uses[0].parts.compute == 3 * compute


@settings(max_examples=60)
@given(
    st.integers(0, 6000),
    st.integers(0, 4000),
    st.sampled_from([1, 4, 16]),
    st.booleans(),
    st.sampled_from([None, 512, 8192, 100_000]),
)
def test_whatever_is_found_fits_and_keeps_what_was_asked_for(
    main: int, device: int, parallel: int, expert: bool, context: int | None
) -> None:
    rooms = [gpu(device * MIB), cpu(main * MIB)] if device else [cpu(main * MIB)]
    search = fitting(rooms, moe() if expert else facts(), parallel=parallel, context_length=context)
    found = search.search()
    if found is None:
        assert not search.fits(search.least().uses) or context is not None or device
        return
    assert search.fits(found.uses)
    assert found.shape.cells >= found.shape.context_length
    if context:
        assert found.shape.context_length == context
