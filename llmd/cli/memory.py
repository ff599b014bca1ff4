"""Tables of what models take of each device, by what it is for: planned, and measured."""

from collections.abc import Iterable, Sequence
from typing import Any

from llmd.cli.columns import Column

_PARTS = (
    ("weights", "WEIGHTS"),
    ("kv_cache", "KV CACHE"),
    ("compute", "COMPUTE"),
    ("caches", "CACHES"),
    ("draft", "DRAFT"),
    ("projector", "PROJECTOR"),
    ("process", "PROCESS"),
)


def print_plan(uses: Sequence[dict[str, Any]], rooms: Iterable[dict[str, Any]]) -> None:
    """Print one line for each device, and what is free of it."""
    from llmd.cli import render

    shown = _shown(uses)
    free = {room["device"]: room["free"] for room in rooms}
    rows = [
        [
            use["device"],
            *_sizes(use, shown),
            render.size(free[use["device"]]) if use["device"] in free else "",
        ]
        for use in uses
    ]
    render.table(["DEVICE", *_headings(shown), Column("FREE", 1)], rows)


def print_memory(models: Sequence[dict[str, Any]]) -> None:
    """Print for each model and device what was planned, and below it what was measured."""
    from llmd.cli import render

    listed = [
        (model["name"], kind, use)
        for model in models
        for planned in model.get("predicted", [])
        for kind, use in (
            ("planned", planned),
            *(("measured", found) for found in _measured(model, planned["device"])),
        )
    ]
    shown = _shown([use for *_, use in listed])
    rows = [
        [name if kind == "planned" else "", use["device"], kind, *_sizes(use, shown)]
        for name, kind, use in listed
    ]
    render.table(["MEMORY OF", Column("DEVICE", 1), Column("", 2), *_headings(shown)], rows)


def _measured(model: dict[str, Any], device: str) -> list[dict[str, Any]]:
    return [use for use in model.get("measured", []) if use["device"] == device]


def _shown(uses: Iterable[dict[str, Any]]) -> list[str]:
    """Return the parts that any of these has."""
    there = {part for use in uses for part, size in use["parts"].items() if size}
    return [part for part, _ in _PARTS if part in there]


def _headings(shown: Iterable[str]) -> list[Column]:
    names = dict(_PARTS)
    return [*(Column(names[part]) for part in shown), Column("TOTAL", 2)]


def _sizes(use: dict[str, Any], shown: Iterable[str]) -> list[str]:
    from llmd.cli import render

    parts = use["parts"]
    sizes = [render.size(parts[part]) if parts.get(part) else "" for part in shown]
    return [*sizes, render.size(sum(parts.values()))]
