"""Bars and sparklines as text. Pure: numbers in, styled lines out."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

_BLOCKS = " ▁▂▃▄▅▆▇█"
_FULL = len(_BLOCKS) - 1
_SHADE = "░"
_PARTS = "▏▎▍▌▋▊▉█"
MUTED = "$foreground 60%"
"""The style of labels; `$text-muted` counts in style sheets alone."""
_WARM = 0.75
_HOT = 0.92


def spark(
    values: Sequence[float | None], width: int, *, height: int = 1, top: float = 0.0
) -> list[str]:
    """Return `height` lines, uppermost first, of exactly `width` cells: the latest values stand at
    the right, those that find no room are left out. The highest of them, but at least `top`, fills
    all lines; None leaves a gap, and what is more than nothing shows.
    """
    shown = [*values[-width:]] if width > 0 else []
    highest = max([top, *(value for value in shown if value is not None)])
    cells = [_steps(value, highest, height) for value in shown]
    lines = []
    for row in reversed(range(height)):
        line = "".join(_BLOCKS[min(max(cell - row * _FULL, 0), _FULL)] for cell in cells)
        lines.append(line.rjust(max(width, 0)))
    return lines


def _steps(value: float | None, highest: float, height: int) -> int:
    """Return how many eighths of a line a value is high."""
    if value is None or value <= 0 or highest <= 0:
        return 0
    return max(1, round(value / highest * height * _FULL))


def bar(share: float, width: int, style: str = "$primary") -> Content:
    """Return a bar of exactly `width` cells, filled to an eighth of a cell."""
    width = max(width, 0)
    eighths = round(min(max(share, 0.0), 1.0) * width * len(_PARTS))
    if share > 0 and width:
        eighths = max(eighths, 1)
    whole, rest = divmod(eighths, len(_PARTS))
    full = _PARTS[-1] * whole + (_PARTS[rest - 1] if rest else "")
    return Content.assemble((full, style), (_SHADE * (width - len(full)), "$foreground 25%"))


def strain(share: float) -> str:
    """Return the colour of something that should not be full."""
    if share >= _HOT:
        return "$error"
    return "$warning" if share >= _WARM else "$success"


def stacked(parts: Sequence[tuple[float, str]], whole: float, width: int) -> Content:
    """Return a bar of `width` cells made of parts, each with its style; what is missing to `whole`
    is shaded. A part that is more than nothing has a cell while there are enough of them.
    """
    if whole <= 0 or width <= 0:
        return Content(_SHADE * max(width, 0)).stylize("$foreground 25%")
    pieces: list[tuple[str, str]] = []
    left = width
    done = 0.0
    for size, style in parts:
        done += size
        upto = round(min(done / whole, 1.0) * width)
        cells = max(upto - (width - left), 1 if size > 0 else 0)
        cells = min(cells, left)
        pieces.append((_PARTS[-1] * cells, style))
        left -= cells
    return Content.assemble(*pieces, (_SHADE * left, "$foreground 25%"))


def fitted(content: Content | str, width: int) -> Content:
    """Return content of exactly `width` cells: cut with an ellipsis, or padded."""
    content = content if isinstance(content, Content) else Content(content)
    if content.cell_length > width:
        content = content.truncate(width, ellipsis=True)
    return content.pad_right(max(0, width - content.cell_length))
