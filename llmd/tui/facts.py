"""What the pane beside the models says of one of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from llmd.protocol import amounts
from llmd.protocol.catalog import Fit, Offer
from llmd.protocol.models import LoadedModel, ModelState
from llmd.tui import plans
from llmd.tui.cells import Cell, Line, Tone, line, said, told
from llmd.tui.stock import Item, tokens

_FITS = {
    Fit.YES: Cell("fits", Tone.GOOD),
    Fit.TIGHT: Cell("tight", Tone.WARN),
    Fit.NO: Cell("too large", Tone.BAD),
    Fit.UNKNOWN: Cell(""),
}


def about(
    item: Item, card: Mapping[str, Any] | None = None, plan: Mapping[str, Any] | None = None
) -> list[Line]:
    """Return what is known of a model; `card` and `plan` as the daemon answers them, when they
    have come.
    """
    lines = [Line(item.name), *_description(item)]
    if item.loaded:
        lines += [*_loaded(item.loaded), Line("", (Cell(""),))]
    lines += told([*_facts(item, card or {})])
    if item.manifest:
        lines += told(_file(item, card or {}))
    if plan:
        lines += [Line(), Line("To load it"), *plans.summary(plan)]
    if item.offer:
        lines += [Line(), *_variants(item.offer)]
    return lines


def _description(item: Item) -> list[Line]:
    return [said(item.offer.description)] if item.offer and item.offer.description else []


def _facts(item: Item, card: Mapping[str, Any]) -> list[Line]:
    facts, origin = _dict(card, "facts"), _dict(_dict(card, "description"), "origin")
    active = item.offer.active if item.offer else facts.get("active_parameters", 0)
    weights = (
        amounts.count(item.parameters) if item.parameters else "",
        f"{amounts.count(active)} active" if active and active < item.parameters else "",
        item.quantization,
        amounts.size(item.size) if item.size else "",
    )
    return [
        line("weights", ", ".join(part for part in weights if part)),
        line("context", f"{tokens(item.context)} tokens" if item.context else ""),
        line("abilities", ", ".join(_abilities(item, card))),
        line("licence", item.license or str(origin.get("license", ""))),
        line("default for", ", ".join(item.default_for), Tone.ACCENT),
        line("also", ", ".join(item.offer.also) if item.offer else ""),
        line("source", item.offer.source if item.offer and not item.manifest else ""),
    ]


def _abilities(item: Item, card: Mapping[str, Any]) -> list[str]:
    found = _dict(card, "abilities")
    named = [name for name in ("tools", "reasoning") if found.get(name)]
    return list(dict.fromkeys([*item.abilities, *named]))


def _file(item: Item, card: Mapping[str, Any]) -> list[Line]:
    model = item.manifest
    if model is None:
        return []
    options = msgspec.to_builtins(model.options)
    set_to = ", ".join(f"{name} {value}" for name, value in options.items())
    return [
        line("architecture", model.architecture),
        line("made from", model.preset.base),
        line("adapters", ", ".join(adapter.name for adapter in model.adapters)),
        line("loaded with", set_to),
        line("source", model.source),
        line("file", model.path),
        line("problem", str(card.get("problem") or ""), Tone.BAD),
    ]


def _loaded(model: LoadedModel) -> list[Line]:
    uses = model.measured or model.predicted
    kept = "stays loaded" if model.expires_in is None else ""
    left = f"unloads in {amounts.duration(model.expires_in)}" if model.expires_in else kept
    ready = model.state is ModelState.READY
    holds = f"{tokens(model.context_length)} tokens x {model.parallel} answers"
    answers = f", {model.running} answering" if model.running else ""
    return told(
        [
            line("state", f"{model.state}{', pinned' if model.pinned else ''}{answers}", Tone.GOOD),
            line("idle", left if ready and not model.pinned else ""),
            line("holds", holds if model.context_length else ""),
            *(line(use.device, amounts.size(use.parts.total)) for use in uses),
        ]
    )


def _variants(offer: Offer) -> list[Line]:
    widest = max((len(variant.quantization) for variant in offer.variants), default=0)
    lines = [Line("Sizes")]
    for variant in offer.variants:
        usual = (
            Cell("  usual", Tone.DIM) if variant.quantization == offer.quantization else Cell("")
        )
        size = amounts.size(variant.size) if variant.size else "?"
        cells = (
            Cell(variant.quantization.ljust(widest + 2)),
            Cell(f"{size:>8}  "),
            _FITS[variant.fit],
            usual,
        )
        lines.append(Line("", cells))
    return lines


def _dict(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = card.get(name)
    return found if isinstance(found, Mapping) else {}
