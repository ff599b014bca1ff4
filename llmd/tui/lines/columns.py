"""Labels, figures and drawings side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from llmd.tui.drawing import MUTED, fitted

LABEL = 7
FIGURE = 12
_GAP = 1
BETWEEN = 3
TWO_COLUMNS = 72
"""Width from which two meters stand side by side."""

Drawn = Callable[[int], Content]
"""Draws something as wide as it is told."""


def meter(label: str, figure: Content | str, draw: Drawn, width: int) -> Content:
    """Return a line of exactly `width` cells: a label, a drawing in what is left, a figure."""
    middle = max(0, width - LABEL - FIGURE - 2 * _GAP)
    gap = " " * _GAP
    text = fitted(figure, FIGURE)
    return Content.assemble(
        (label.ljust(LABEL), MUTED), gap, text, gap, fitted(draw(middle), middle)
    )


def side_by_side(meters: Sequence[Callable[[int], Content]], width: int) -> list[Content]:
    """Return meters in two columns where there is room, read from left to right; else in one."""
    if width < TWO_COLUMNS:
        return [meter(width) for meter in meters]
    left = (width - BETWEEN) // 2
    right = width - BETWEEN - left
    lines = []
    for place in range(0, len(meters), 2):
        pair = [meters[place](left)]
        if place + 1 < len(meters):
            pair.append(meters[place + 1](right))
        lines.append(Content(" " * BETWEEN).join(pair))
    return lines


def joined(parts: Sequence[str | Content], separator: str = " · ") -> Content:
    """Return the parts that say something, with dots between them."""
    said = [part if isinstance(part, Content) else Content(part) for part in parts if part]
    return Content(separator).stylize(MUTED).join(said)
