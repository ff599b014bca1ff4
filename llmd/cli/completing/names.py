"""Names that shells offer, from the running daemon; silent when it cannot say them in a moment.

It speaks HTTP by hand: http.client costs as much to import as all else together.
"""

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from llmd.client.sleep import asleep
from llmd.config.paths import Paths, find_paths

PATIENCE = 0.08
"""Seconds the daemon has for its answer."""

_LARGEST = 4 * 2**20
_PIECE = 65536
_FEW = 100
_SHORT_ID = 8
_LONGEST = 60

Offer = tuple[str, str]


def of(kind: str, typed: str, before: Sequence[str], table: dict[str, Any]) -> list[Offer]:
    """Return names of a kind that go on from what is typed, and what each is; `before` are the
    arguments that stand already.
    """
    find = _KINDS.get(kind)
    found = find(typed, before, table) if find else ()
    return [(name, about) for name, about in found if name.startswith(typed)]


def ask(path: str) -> dict[str, Any]:
    """Return what the daemon answers to a GET, an empty dict when it does not in time."""
    paths = find_paths()
    if asleep(paths):
        return {}
    with contextlib.suppress(OSError, ValueError):
        answer = json.loads(_exchange(paths, path, time.monotonic() + PATIENCE))
        return answer if isinstance(answer, dict) else {}
    return {}


def _exchange(paths: Paths, path: str, deadline: float) -> bytes:
    """Return the body of an answer; raise OSError or ValueError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(_left(deadline))
        link.connect(os.fspath(paths.socket))
        # 1.0: the body ends with the connection
        link.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        data = b""
        while True:
            link.settimeout(_left(deadline))
            piece = link.recv(_PIECE)
            if not piece:
                break
            data += piece
            if len(data) > _LARGEST:
                raise ValueError
    head, _, body = data.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise ValueError
    return body


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _rows(path: str, key: str) -> list[dict[str, Any]]:
    rows = ask(path).get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _models(_typed: str, _before: Sequence[str], _table: object) -> Iterable[Offer]:
    return [(row["name"], _kind(row)) for row in _rows("/control/models", "models")]


def _kind(row: dict[str, Any]) -> str:
    return f"{row.get('kind', '')} {row.get('quantization', '')}".strip()


def _loaded(_typed: str, _before: Sequence[str], _table: object) -> Iterable[Offer]:
    return [(row["name"], row.get("state", "")) for row in _rows("/control/ps", "models")]


def _catalogue(typed: str, _before: Sequence[str], table: dict[str, Any]) -> Iterable[Offer]:
    """Offer variants only when their entry's name is there already."""
    entry = typed.partition(":")[0]
    for alias, about in (*table["catalogue"].items(), *_own().items()):
        yield alias, about["help"]
        if alias == entry:
            yield from ((f"{alias}:{label}", about["help"]) for label in about["variants"])


def _own() -> dict[str, Any]:
    """Return the entries of the user's own catalogue; what is wrong there is for `llmd doctor`."""
    file = find_paths().catalog_file
    if not file.exists():
        return {}
    import tomllib

    with contextlib.suppress(OSError, TypeError, ValueError):
        models = tomllib.loads(file.read_text(encoding="utf-8")).get("model", [])
        aliases = [model.get("alias") for model in models if isinstance(model, dict)]
        about = {"help": "", "variants": []}
        return {alias: about for alias in aliases if isinstance(alias, str)}
    return {}


def _any_model(typed: str, before: Sequence[str], table: dict[str, Any]) -> Iterable[Offer]:
    return [*_models(typed, before, table), *_catalogue(typed, before, table)]


def _adapters(_typed: str, before: Sequence[str], _table: object) -> Iterable[Offer]:
    """Offer those of the model named before, or of all models."""
    rows = _rows("/control/models", "models")
    for row in [row for row in rows if row["name"] in before] or rows:
        yield from ((adapter["name"], row["name"]) for adapter in row.get("adapters") or ())


def _sessions(typed: str, _before: Sequence[str], _table: object) -> Iterable[Offer]:
    """Offer titles; the beginning of an id where there is none that can be typed, or when an id is
    being typed.
    """
    for row in _rows(f"/control/sessions?active_only=false&limit={_FEW}", "sessions"):
        title, short = row["title"], row["id"][:_SHORT_ID]
        typable = title and title.isprintable() and len(title) <= _LONGEST
        if typable:
            yield title, short
        if not typable or (typed and row["id"].startswith(typed)):
            yield (row["id"] if len(typed) > _SHORT_ID else short), title[:_LONGEST]


def _requests(_typed: str, _before: Sequence[str], _table: object) -> Iterable[Offer]:
    rows = _rows("/control/requests", "live")
    return [(str(row["id"]), f"{row['model']} {row['state']}") for row in rows]


def _users(_typed: str, _before: Sequence[str], _table: object) -> Iterable[Offer]:
    return [(row["name"], row.get("role", "")) for row in _rows("/control/users", "users")]


def _keys(_typed: str, _before: Sequence[str], _table: object) -> Iterable[Offer]:
    for row in _rows("/control/keys", "keys"):
        yield row["key"]["prefix"], f"{row['key']['name']} {row['user']}".strip()


def _settings(_typed: str, _before: Sequence[str], table: dict[str, Any]) -> Iterable[Offer]:
    return [(key, setting["help"]) for key, setting in table["settings"].items()]


def _values(_typed: str, before: Sequence[str], table: dict[str, Any]) -> Iterable[Offer]:
    setting = table["settings"].get(before[0], {}) if before else {}
    return [(value, "") for value in setting.get("choices", ())]


def _types(typed: str, _before: Sequence[str], table: dict[str, Any]) -> Iterable[Offer]:
    """Offer types in the letters that are being typed, since either is understood."""
    return [(name.lower() if typed.islower() else name, "") for name in table["types"]]


_KINDS: dict[str, Callable[[str, Sequence[str], dict[str, Any]], Iterable[Offer]]] = {
    "models": _models,
    "loaded": _loaded,
    "catalogue": _catalogue,
    "any_model": _any_model,
    "adapters": _adapters,
    "sessions": _sessions,
    "requests": _requests,
    "users": _users,
    "keys": _keys,
    "settings": _settings,
    "values": _values,
    "types": _types,
}
