"""One loaded model: how fast it is, how full, and what it takes of which device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.content import Content

from llmd.protocol import amounts
from llmd.protocol.feed import ModelHistory
from llmd.protocol.models import LoadedModel, ModelState
from llmd.protocol.placement import DeviceUse, Parts
from llmd.tui import drawing
from llmd.tui.drawing import MUTED, fitted
from llmd.tui.lines.columns import BETWEEN, LABEL, TWO_COLUMNS, joined, meter, side_by_side

_STATES = {
    ModelState.READY: "$text-success",
    ModelState.LOADING: "$text-warning",
    ModelState.WAITING: "$text-warning",
    ModelState.UNLOADING: MUTED,
}
_PARTS = {
    "weights": ("weights", "$primary", "$text-primary"),
    "kv_cache": ("KV", "$success", "$text-success"),
    "compute": ("compute", "$accent", "$text-accent"),
    "caches": ("caches", "$primary-lighten-3", MUTED),
    "draft": ("draft", "$warning", "$text-warning"),
    "projector": ("projector", "$error", "$text-error"),
    "process": ("process", MUTED, MUTED),
}
"""What each is called, its colour in a bar, and one that can be read on any ground."""
_CHART = 5
"""Lines of a chart."""
_BAR = 26
"""Cells of a device's bar where the words behind it find room."""


def title(model: LoadedModel) -> Content:
    """Return its name, and how many workers serve it."""
    several = f" x{model.instances}" if model.instances > 1 else ""
    return Content(f"{model.name}{several}")


def subtitle(model: LoadedModel) -> Content:
    """Return its state and when it goes."""
    return joined(
        [
            Content(_state(model)).stylize(_STATES[model.state]),
            model.device,
            model.kind if model.kind != "chat" else "",
            _leaving(model),
        ]
    )


def _state(model: LoadedModel) -> str:
    if model.state is ModelState.LOADING:
        return f"loading {model.progress:.0%}"
    if model.state is ModelState.WAITING:
        return f"{model.waiting} wait for room"
    return str(model.state)


def _leaving(model: LoadedModel) -> str:
    if model.state is not ModelState.READY:
        return ""
    if model.pinned:
        return "pinned"
    if model.expires_in is None:
        return "stays"
    return "in use" if model.running else f"unloads in {amounts.duration(model.expires_in)}"


def lines(
    model: LoadedModel, history: ModelHistory | None, width: int, *, tall: bool = False
) -> list[Content]:
    """Return the meters of a model, with charts where it may be `tall`; of one that is not ready
    yet, how far it is.
    """
    devices = [line for use in _devices(model) for line in device(*use, width)]
    if model.state is not ModelState.READY:
        return [drawing.bar(model.progress, width, "$warning"), *devices]
    past = history or _NOTHING
    charts = _charts(past, width) if tall and width >= TWO_COLUMNS else []
    meters: list[Callable[[int], Content]] = [
        partial(_speed, past, drawn=not charts),
        partial(_batch, model),
        partial(_first_token, past, drawn=not charts),
        partial(_cells, model),
        partial(_reading, past),
        partial(_prefixes, model),
    ]
    return [*charts, *side_by_side(meters, width), *devices]


def _charts(past: ModelHistory, width: int) -> list[Content]:
    """Return two charts side by side: tokens per second, and time to the first token."""
    left = (width - BETWEEN) // 2
    speed = _chart("tokens per second", past.generated, amounts.rate, "$primary", left)
    first = _chart(
        "time to first token", past.first_token, amounts.seconds, "$accent", width - BETWEEN - left
    )
    lines = [Content(" " * BETWEEN).join(pair) for pair in zip(speed, first, strict=True)]
    return [*lines, Content()]


def _chart(
    name: str,
    values: Sequence[float | None],
    words: Callable[[float], str],
    style: str,
    width: int,
) -> list[Content]:
    drawn = drawing.spark(values, width, height=_CHART)
    highest = max((value for value in values[-width:] if value is not None), default=0.0)
    head = Content.assemble((name, MUTED), (f"  up to {words(highest)}" if highest else ""))
    return [fitted(head, width), *(Content(line).stylize(style) for line in drawn)]


_NOTHING = ModelHistory(generated=[], read=[], first_token=[], running=[], waiting=[], kv_used=[])


def _speed(past: ModelHistory, width: int, *, drawn: bool) -> Content:
    now = past.generated[-1] if past.generated else 0.0
    return meter(
        "speed", amounts.rate(now), _line(past.generated if drawn else [], "$primary"), width
    )


def _reading(past: ModelHistory, width: int) -> Content:
    now = past.read[-1] if past.read else 0.0
    return meter("reading", amounts.rate(now), _line(past.read, "$success"), width)


def _first_token(past: ModelHistory, width: int, *, drawn: bool) -> Content:
    latest = next((value for value in reversed(past.first_token) if value is not None), None)
    text = amounts.seconds(latest) or "-"
    return meter("1st tok", text, _line(past.first_token if drawn else [], "$accent"), width)


def _line(values: Sequence[float | None], style: str) -> Callable[[int], Content]:
    return lambda cells: Content(drawing.spark(values, cells)[0]).stylize(style)


def _batch(model: LoadedModel, width: int) -> Content:
    now = model.activity
    waiting = f" +{now.waiting}" if now.waiting else ""
    figure = f"{now.running}/{model.parallel}{waiting}"
    share = amounts.share(now.running, model.parallel)
    colour = "$warning" if now.waiting else "$primary"
    return meter("batch", figure, lambda cells: drawing.bar(share, cells, colour), width)


def _cells(model: LoadedModel, width: int) -> Content:
    """Draw the KV cache: what running answers hold, then what is only parked."""
    now, whole = model.activity, model.kv_tokens
    held = max(0, now.kv_used - now.kv_parked)
    figure = f"{amounts.share(now.kv_used, whole):.0%} of {amounts.count(whole)}" if whole else "-"
    parts = [(float(held), "$success"), (float(now.kv_parked), "$success 45%")]
    return meter("kv", figure, lambda cells: drawing.stacked(parts, whole, cells), width)


def _prefixes(model: LoadedModel, width: int) -> Content:
    now = model.activity
    share = amounts.share(now.reused_tokens, now.reused_tokens + now.read_tokens)
    return meter(
        "reused", f"{share:.0%}, {now.prefixes} kept", lambda n: drawing.bar(share, n), width
    )


def _devices(model: LoadedModel) -> list[tuple[str, DeviceUse | None, DeviceUse | None]]:
    """Return each device with what was planned and what is taken of it."""
    planned = {use.device: use for use in model.predicted}
    taken = {use.device: use for use in model.measured}
    return [(name, planned.get(name), taken.get(name)) for name in {**planned, **taken}]


def _told(first: Content, others: Sequence[Content], room: int) -> Content:
    """Return as many words as find room: what does not is left out rather than cut."""
    told = first
    for word in others:
        more = joined([told, word], "  ")
        if more.cell_length > room:
            break
        told = more
    return told


def device(
    name: str, planned: DeviceUse | None, taken: DeviceUse | None, width: int
) -> list[Content]:
    """Return a line about one device: taken parts as a bar within what was planned, in words what
    they are for where there is room.
    """
    expected = planned.parts.total if planned else 0
    real = taken.parts.total if taken else 0
    parts = taken.parts if taken else Parts()
    shares = [
        (float(getattr(parts, field)), style)
        for field, (_, style, _) in _PARTS.items()
        if getattr(parts, field)
    ]
    words = [
        Content.assemble((label, style), f" {amounts.size(getattr(parts, field))}")
        for field, (label, _, style) in _PARTS.items()
        if getattr(parts, field)
    ]
    over = Content(" over plan").stylize("$text-warning") if 0 < expected < real else Content()
    plan = Content(f"of {amounts.size(expected)} planned").stylize(MUTED)
    label = "memory" if name == "CPU" else name.lower()

    def draw(cells: int) -> Content:
        least = cells // 4
        told = _told(plan + over, words if width >= TWO_COLUMNS else [], cells - least - 1)
        length = max(min(_BAR, cells - told.cell_length - 1), least)
        return Content.assemble(drawing.stacked(shares, max(expected, real), length), " ", told)

    return [meter(label[:LABEL], amounts.size(real) if taken else "-", draw, width)]
