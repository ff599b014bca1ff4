"""From the daemon's card of a model to what `llmd show` prints: sections of named lines and tables,
all of it text. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmd.cli import render
from llmd.cli.section import Section
from llmd.cli.shape import shape

_BAR = 20
_MOST_NAMED = 12
_SENSES = {"vision": "pictures", "audio": "sounds"}
_PLAIN_SORTS = {"model", ""}


def sections(card: Mapping[str, Any], *, blocks: str = "█░") -> list[Section]:
    """Return what is shown of a model that has a file here; `blocks`: what bars are drawn with."""
    made = [_model(card)]
    if "facts" in card:
        made += [shape(card), _tokenizer(card), *_weights(card, blocks), _cache(card)]
        made.append(_template(card))
    made += [_preset(card), _files(card)]
    return [section for section in made if section.rows or any(value for _, value in section.lines)]


def senses(card: Mapping[str, Any]) -> str:
    """Say what requests may hold."""
    return ", ".join(["text", *(word for sense, word in _SENSES.items() if card.get(sense))])


def entry_lines(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is shown of an entry of the catalogue."""
    entry = card["entry"]
    sizes = entry.get("quantizations", {})
    wanted = card.get("quantization") or entry.get("quantization", "")
    return [
        ("name", entry["alias"]),
        ("description", entry.get("description", "")),
        ("source", entry["source"]),
        ("parameters", render.count(entry["parameters"]) if entry.get("parameters") else ""),
        ("context", f"{entry['context']} tokens" if entry.get("context") else ""),
        ("abilities", ", ".join(entry.get("capabilities", []))),
        ("license", entry.get("license", "")),
        ("quantization", wanted),
        ("sizes", ", ".join(f"{name} {render.size(count)}" for name, count in sizes.items())),
        ("also", ", ".join(entry.get("also", []))),
    ]


def _model(card: Mapping[str, Any]) -> Section:
    facts, told = card.get("facts", {}), card.get("description", {})
    origin = told.get("origin", {})
    sort = told.get("sort", "")
    kind = card.get("kind", "") if sort in _PLAIN_SORTS else sort
    parameters = card.get("parameters") or facts.get("parameters", 0)
    return Section(
        "",
        [
            ("name", card["name"]),
            ("kind", kind or sort),
            ("title", origin.get("name", "")),
            ("architecture", card.get("architecture") or facts.get("architecture", "")),
            ("parameters", _parameters(parameters, facts.get("active_parameters", parameters))),
            ("quantization", _quantization(card)),
            ("size", render.size(card["size"])),
            ("context", _context(card)),
            ("takes", senses(card) if kind in {"chat", "model"} else ""),
            ("author", origin.get("organization") or origin.get("author", "")),
            ("based on", ", ".join(_base(base) for base in origin.get("bases", []))),
            ("license", origin.get("license", "")),
            ("languages", _some(origin.get("languages", []))),
            ("problem", card.get("problem", "")),
        ],
    )


def _tokenizer(card: Mapping[str, Any]) -> Section:
    told = card["description"]["tokenizer"]
    merges = f", {told['merges']} merges" if told["merges"] else ""
    special = [f"{use} {token['text'] or token['id']}" for use, token in told["special"].items()]
    return Section(
        "tokenizer",
        [
            ("kind", ", ".join(part for part in (told["model"], told["pre"]) if part)),
            ("tokens", f"{told['size']}{merges}" if told["size"] else ""),
            ("special", _some(special)),
        ],
    )


def _weights(card: Mapping[str, Any], blocks: str) -> list[Section]:
    told = card["description"]
    total = sum(share["size"] for share in told["types"])
    return [
        Section(title, [], (heading, "", "SIZE", "SHARE", "TENSORS"), _bars(shares, total, blocks))
        for title, heading, shares in (
            ("weights by type", "TYPE", told["types"]),
            ("weights by use", "USE", told["roles"]),
        )
    ]


def _bars(shares: Iterable[Mapping[str, Any]], total: int, blocks: str) -> list[tuple[str, ...]]:
    full, empty = blocks[0], blocks[1]
    rows: list[tuple[str, ...]] = []
    for share in shares:
        part = share["size"] / total if total else 0.0
        filled = round(part * _BAR)
        rows.append(
            (
                share["name"].replace("_", "-") if share["name"].islower() else share["name"],
                full * filled + empty * (_BAR - filled),
                render.size(share["size"]),
                f"{part:.1%}",
                str(share["tensors"]),
            )
        )
    return rows


def _cache(card: Mapping[str, Any]) -> Section:
    sizes = card["cache"]
    types = list(sizes[0]["bytes"]) if sizes else []
    rows = [
        (str(size["tokens"]), *(render.size(size["bytes"][kind]) for kind in types))
        for size in sizes
    ]
    return Section("cache of one sequence", [], ("TOKENS", *types), rows)


def _template(card: Mapping[str, Any]) -> Section:
    found = card.get("abilities")
    if not found:
        return Section("template", [])
    can = [
        "system messages" if found["system"] else "",
        f"tools ({found['call_format']})" if found["tools"] else "",
        "reasoning" if found["reasoning"] else "",
        "reasoning on and off" if found["reasoning_switch"] else "",
        "pictures" if found["pictures"] else "",
    ]
    return Section(
        "template",
        [("names", ", ".join(card["templates"])), ("knows", ", ".join(filter(None, can)))],
    )


def _preset(card: Mapping[str, Any]) -> Section:
    preset = card.get("preset", {})
    sampling = preset.get("sampling", {})
    return Section(
        "preset",
        [
            ("made from", preset.get("base", "")),
            ("system", preset.get("system", "")),
            ("template", "its own" if preset.get("template") else ""),
            ("sampling", _pairs(sampling)),
            ("loaded with", _pairs(card.get("options", {}))),
            ("draft model", card.get("draft", "")),
            ("adapters", ", ".join(_adapter(adapter) for adapter in card.get("adapters", []))),
        ],
    )


def _files(card: Mapping[str, Any]) -> Section:
    loaded = card.get("loaded")
    files = card.get("files") or [card["path"]]
    installed = card.get("state", "installed") == "installed"
    return Section(
        "file" if len(files) == 1 else "files",
        [
            *((("path", file)) for file in files[:_MOST_NAMED]),
            ("", f"and {len(files) - _MOST_NAMED} more" if len(files) > _MOST_NAMED else ""),
            ("projector", card.get("projector", "")),
            ("source", card.get("source", "")),
            ("added", render.ago(card["added"]) if card.get("added") else ""),
            ("loaded", _loaded(loaded) if installed else "not registered: llmd import adds it"),
        ],
    )


def _loaded(loaded: Mapping[str, Any] | None) -> str:
    return f"{loaded['state']} on {loaded['device']}" if loaded else "no"


def _parameters(count: int, active: int) -> str:
    shown = render.count(count) if count else ""
    return f"{shown}, {render.count(active)} active" if active < count else shown


def _quantization(card: Mapping[str, Any]) -> str:
    told = card.get("description", {})
    name = card.get("quantization") or told.get("quantization", "")
    bits = told.get("bits_per_weight")
    steered = ", by importance" if told.get("origin", {}).get("calibration") else ""
    return f"{name}, {bits} bits per weight{steered}" if name and bits else name


def _context(card: Mapping[str, Any]) -> str:
    tokens = card.get("context_length") or card.get("facts", {}).get("context_length", 0)
    positions = card.get("description", {}).get("positions", {})
    scaling = positions.get("scaling", "none")
    if not tokens or scaling == "none":
        return f"{tokens} tokens" if tokens else ""
    origin = positions["original_context"]
    factor = f" {positions['factor']:g}x" if positions["factor"] else ""
    return f"{tokens} tokens, {scaling}{factor}{f' from {origin}' if origin else ''}"


def _adapter(adapter: Mapping[str, Any]) -> str:
    return f"{adapter['name']} x{adapter['scale']:g}{' (default)' if adapter['default'] else ''}"


def _base(base: Mapping[str, str]) -> str:
    name, organization = base.get("name", ""), base.get("organization", "")
    return f"{name} ({organization})" if name and organization else name or base.get("url", "")


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items() if value is not None)


def _some(values: Sequence[str]) -> str:
    more = len(values) - _MOST_NAMED
    return ", ".join(values[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
