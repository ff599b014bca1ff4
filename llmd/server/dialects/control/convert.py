"""Native nouns to the control calls' JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from llmd.protocol.accounts import ApiKey
from llmd.protocol.adoption import Failure
from llmd.protocol.integrity import DiskUse
from llmd.protocol.models import ModelManifest, PullProgress
from llmd.protocol.quantization import QuantizeProgress
from llmd.protocol.usage import Used
from llmd.server.dialects.control.schema import CardState, Day, KeyUsage
from llmd.services.descriptions import Card


def model_card(card: Card) -> dict[str, Any]:
    """Return all that is known of a model, with a manifest's fields beside the others."""
    if card.entry:
        entry = msgspec.to_builtins(card.entry)
        return {"state": CardState.CATALOGUE, "entry": entry, "quantization": card.quantization}
    file = msgspec.to_builtins(card.file) if card.file else {}
    if card.manifest is None:
        path = Path(file["files"][0])
        return {"state": CardState.FILE, "name": path.name, "path": str(path), **file}
    return {
        "state": CardState.INSTALLED,
        **file,
        # last, since a manifest counts the projector among its files
        **msgspec.to_builtins(card.manifest),
        "loaded": msgspec.to_builtins(card.loaded),
        "problem": card.problem,
    }


def pull_line(event: PullProgress | QuantizeProgress | ModelManifest) -> bytes:
    """Return one line of a pull, or of what ends with a model as that does."""
    body = {"model": event} if isinstance(event, ModelManifest) else event
    return line(body)


def adoption_line(event: PullProgress | ModelManifest | Failure) -> bytes:
    """Return one line of an adoption, which goes on behind a model that fails."""
    return line({"failed": event}) if isinstance(event, Failure) else pull_line(event)


def disk_use(use: DiskUse) -> dict[str, Any]:
    """Return what llmd takes of the disk, with the sum."""
    return {**msgspec.to_builtins(use), "total": use.total}


def usage(keys: Iterable[ApiKey], users: Mapping[str, str], used: Iterable[Used]) -> list[KeyUsage]:
    """Return what was used by key; `users` has names by id, `used` sums of `key:ID` by day."""
    days: dict[str, list[Day]] = {}
    for one in used:
        day = Day(start=one.start, tokens=one.tokens, answers=one.answers)
        days.setdefault(one.subject, []).append(day)
    return [
        KeyUsage(
            id=key.id,
            prefix=key.prefix,
            name=key.name,
            user=users.get(key.user, ""),
            days=days.get(f"key:{key.id}", []),
        )
        for key in keys
    ]


def line(body: object) -> bytes:
    """Return one JSON line."""
    return msgspec.json.encode(body) + b"\n"
