"""Plans in words and bars, and what somebody types into the form for loading. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmd.config.values import Duration
from llmd.errors import InvalidRequest
from llmd.protocol import amounts
from llmd.tui.cells import Cell, Line, Tone, bar, line, said, told

_BAR = 20
_PARTS = {
    "weights": "weights",
    "kv_cache": "KV cache",
    "compute": "compute",
    "caches": "caches",
    "draft": "draft",
    "projector": "projector",
    "process": "process",
}
_MOST_PARALLEL = 256


def summary(plan: Mapping[str, Any]) -> list[Line]:
    """Return a plan in a few lines, for a pane."""
    if not plan["fits"]:
        return [said(plan["problem"], Tone.BAD)]
    free = {room["device"]: room["free"] for room in plan["rooms"]}
    uses = [
        line(use["device"], f"{amounts.size(_total(use))} of {_size(free, use)} free")
        for use in plan["uses"]
    ]
    return told([*uses, *_shape(plan)])


def described(plan: Mapping[str, Any]) -> list[Line]:
    """Return all of a plan, for a dialog; what would mend one that does not fit is `remedies`."""
    lines = [] if plan["fits"] else [said(plan["problem"], Tone.BAD)]
    lines += [part for use in plan["uses"] for part in _device(use, plan["rooms"])]
    lines += told(_shape(plan))
    return lines + [said(note, Tone.DIM) for note in plan.get("notes", [])]


def _shape(plan: Mapping[str, Any]) -> list[Line]:
    on_gpu = any(room["device"] != "CPU" for room in plan["rooms"])
    layers = f"{plan.get('gpu_layers', 0)} of {plan['layers']} layers" if on_gpu else ""
    seconds = plan.get("load_seconds")
    return [
        line("context", f"{plan['context_length']} tokens x {plan['parallel']} answers"),
        line("KV cache", f"{plan['kv_tokens']} tokens, {plan['kv_type']}"),
        line("on GPUs", layers if plan["layers"] else ""),
        line("loads in", "" if seconds is None else f"about {amounts.seconds(seconds)}"),
        line("unloads", ", ".join(plan.get("evicted", [])), Tone.WARN),
    ]


def _device(use: Mapping[str, Any], rooms: Sequence[Mapping[str, Any]]) -> list[Line]:
    free = next((room["free"] for room in rooms if room["device"] == use["device"]), 0)
    total = _total(use)
    over = total > free
    drawn = bar(amounts.share(total, free) if free else 1.0, _BAR)
    word = f"  {amounts.size(total)} of {amounts.size(free)} free"
    told_parts = [
        f"{name} {amounts.size(use['parts'][part])}"
        for part, name in _PARTS.items()
        if use["parts"].get(part)
    ]
    return [
        Line(use["device"], (*drawn, Cell(word, Tone.BAD if over else Tone.PLAIN))),
        line(" ", ", ".join(told_parts), Tone.DIM),
    ]


def _total(use: Mapping[str, Any]) -> int:
    return sum(use["parts"].values())


def _size(free: Mapping[str, int], use: Mapping[str, Any]) -> str:
    return amounts.size(free.get(use["device"], 0))


def remedies(plan: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what would make it fit: a sentence, and the options that do it (none: another way)."""
    return [(remedy["text"], remedy.get("options") or {}) for remedy in plan.get("remedies", [])]


def options(form: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form says as the daemon takes it, without what was left empty; raise
    InvalidRequest that names the field.
    """
    found: dict[str, Any] = {}
    for name, (title, read) in _READERS.items():
        text = form.get(name, "").strip()
        if not text:
            continue
        try:
            found[name] = read(text)
        except ValueError as error:
            raise InvalidRequest(f"{title}: {error}.", param=name) from None
    return found


def shown(options: Mapping[str, Any]) -> dict[str, str]:
    """Return options as the form shows them."""
    return {name: _text(name, value) for name, value in options.items() if name in _READERS}


def _text(name: str, value: object) -> str:
    if name == "keep_alive" and isinstance(value, int | float):
        return str(Duration(value))
    return str(value)


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    def read(text: str) -> int:
        plain = text.replace(",", "").replace("_", "")
        thousands = 1024 if plain[-1:] in {"k", "K"} else 1
        digits = plain.rstrip("kK") if thousands > 1 else plain
        if not digits.lstrip("-").isdecimal():
            raise ValueError(f"{text} is no whole number")
        number = int(digits) * thousands
        if number < least or (most is not None and number > most):
            end = f" to {most}" if most is not None else " or more"
            raise ValueError(f"{text} is not {least}{end}")
        return number

    return read


def _seconds(text: str) -> float:
    return float(Duration.parse(text))


_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "context_length": ("Context", _whole(1)),
    "parallel": ("Parallel", _whole(1, _MOST_PARALLEL)),
    "kv_type": ("KV cache", str),
    "gpu_layers": ("GPU layers", _whole(-1)),
    "keep_alive": ("Keep alive", _seconds),
}
