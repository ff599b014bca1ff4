from __future__ import annotations

import pytest

from llmd.models.placement.correcting import Lesson, corrected, error, summed
from llmd.protocol.placement import DeviceUse, Parts


def use(device: str = "CPU", mapped: int = 0, **parts: int) -> DeviceUse:
    return DeviceUse(device=device, parts=Parts(**parts), mapped=mapped)


def lesson(shape: str, predicted: DeviceUse, measured: DeviceUse) -> Lesson:
    return Lesson(shape, [predicted], [measured], 1.0)


def test_without_lessons_nothing_changes() -> None:
    assert corrected([use(weights=10)], [], "a") == [use(weights=10)]


def test_a_load_of_the_same_shape_speaks_for_itself() -> None:
    lessons = [
        lesson("b", use(compute=100), use(compute=400)),
        lesson("a", use(compute=100), use(compute=150)),
    ]
    (found,) = corrected([use(compute=100)], lessons, "a")
    assert found.parts.compute == 150


def test_loads_of_other_shapes_teach_by_the_median() -> None:
    lessons = [
        lesson(str(number), use(compute=100, process=10), use(compute=measured, process=10))
        for number, measured in enumerate((110, 120, 390))
    ]
    (found,) = corrected([use(compute=1000, process=50)], lessons, "other")
    assert found.parts.compute == 1200
    assert found.parts.process == 50


def test_no_figure_moves_by_more_than_four_times() -> None:
    (found,) = corrected([use(compute=100)], [lesson("a", use(compute=1), use(compute=999))], "a")
    assert found.parts.compute == 400


def test_caches_are_what_is_allowed_and_not_corrected() -> None:
    (found,) = corrected([use(caches=7)], [lesson("a", use(caches=10), use(caches=1))], "a")
    assert found.parts.caches == 7


def test_devices_are_corrected_apart_and_mappings_with_their_weights() -> None:
    before = lesson("a", use(weights=100, mapped=100), use(weights=50, mapped=50))
    cpu, gpu = corrected([use(weights=100, mapped=80), use("CUDA0", weights=100)], [before], "a")
    assert (cpu.parts.weights, cpu.mapped) == (50, 40)
    assert gpu.parts.weights == 100


def test_the_error_is_a_share_of_what_was_measured() -> None:
    planned, real = [use(weights=110, caches=50)], [use(weights=100)]
    assert error(planned, real) == pytest.approx(0.1)
    assert error(planned, []) == 0.0


def test_uses_are_summed_by_device() -> None:
    total = summed([use(weights=1, mapped=1), use("CUDA0", compute=2)], [use(weights=3)])
    assert total == [use(weights=4, mapped=1), use("CUDA0", compute=2)]
