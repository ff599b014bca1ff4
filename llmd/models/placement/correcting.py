"""Bends what is predicted for a model by what earlier loads of it really took.

A load of the same shape speaks for itself; loads of other shapes say by how much the prediction was
off, part by part, of which the median counts. What is measured badly once cannot spoil a plan: no
figure moves by more than a factor of four.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from llmd.protocol.placement import DeviceUse, Parts

_MOST = 4.0
_BENT = ("weights", "kv_cache", "compute", "draft", "projector", "process")
"""Caches are left out: they are what was allowed, not what was guessed."""


class Lesson(msgspec.Struct, frozen=True):
    """What one load taught."""

    shape: str
    """Which shape and place it had."""
    predicted: list[DeviceUse]
    """Before any correction."""
    measured: list[DeviceUse]
    seconds: float
    """It took to load."""


def corrected(uses: Iterable[DeviceUse], lessons: Sequence[Lesson], shape: str) -> list[DeviceUse]:
    """Return what a model is likely to take, if it is loaded in this shape."""
    same = [lesson for lesson in lessons if lesson.shape == shape]
    taught = same[-1:] or lessons
    return [_bent(use, taught) for use in uses] if taught else list(uses)


def error(predicted: Iterable[DeviceUse], measured: Iterable[DeviceUse]) -> float:
    """Return by what share of the measured total the predicted one is off, caches left out."""
    wanted, real = _total(predicted), _total(measured)
    return (wanted - real) / real if real else 0.0


def _bent(use: DeviceUse, taught: Sequence[Lesson]) -> DeviceUse:
    parts = {
        part: round(getattr(use.parts, part) * _factor(use.device, part, taught)) for part in _BENT
    }
    weights = use.parts.weights
    mapped = round(use.mapped * parts["weights"] / weights) if weights else use.mapped
    bent = msgspec.structs.replace(use.parts, **parts)
    return DeviceUse(device=use.device, parts=bent, mapped=min(mapped, bent.weights))


def _factor(device: str, part: str, taught: Sequence[Lesson]) -> float:
    factors = []
    for lesson in taught:
        predicted = _part(lesson.predicted, device, part)
        measured = _part(lesson.measured, device, part)
        if predicted and measured:
            factors.append(min(max(measured / predicted, 1 / _MOST), _MOST))
    return median(factors) if factors else 1.0


def _part(uses: Iterable[DeviceUse], device: str, part: str) -> int:
    return sum(getattr(use.parts, part) for use in uses if use.device == device)


def _total(uses: Iterable[DeviceUse]) -> int:
    return sum(use.parts.total - use.parts.caches for use in uses)


def summed(*all_uses: Iterable[DeviceUse]) -> list[DeviceUse]:
    """Return what several take together, by device, in the order of the first."""
    found: dict[str, list[DeviceUse]] = {}
    for uses in all_uses:
        for use in uses:
            found.setdefault(use.device, []).append(use)
    return [
        DeviceUse(
            device=device,
            parts=Parts(**{part: _part(uses, device, part) for part in Parts.__struct_fields__}),
            mapped=sum(use.mapped for use in uses),
        )
        for device, uses in found.items()
    ]
