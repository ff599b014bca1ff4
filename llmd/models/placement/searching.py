"""Bisection over what is monotone: more of something fits less."""

from __future__ import annotations

from collections.abc import Callable


def largest(low: int, high: int, fits: Callable[[int], bool], step: int = 1) -> int | None:
    """Return the largest of low, low + step, ... up to high for which `fits`, which must hold for
    all below one for which it holds; None where not even `low` does.
    """
    if low > high or not fits(low):
        return None
    good, bad = 0, (high - low) // step + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(low + middle * step) else (good, middle)
    return low + good * step
