"""`llmd du gc verify`."""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd

DISK = {
    "models": [
        {"name": "a", "size": 5_000_000, "shared": 5_000_000, "owned": True},
        {"name": "b", "size": 1_000, "shared": 0, "owned": False},
    ],
    "owned": 5_000_000,
    "foreign": 1_000,
    "prefixes": 0,
    "partial": 0,
    "logs": 10,
    "records": 20,
    "garbage": 0,
    "free": 9_000_000_000,
    "total": 5_000_030,
}
PROGRESS = {
    "status": "verifying",
    "model": "a",
    "file": "/a.gguf",
    "done": 1,
    "total": 2,
    "rate": 3.0,
}


def health(name: str, state: str, **fields: object) -> dict[str, object]:
    file = {
        "path": f"/{name}.gguf",
        "state": state,
        "size": 1,
        "sha256": "",
        "expected": "",
        "damage": [],
        "reason": "",
    }
    file |= {key: fields.pop(key) for key in ("damage", "reason") if key in fields}
    return {"name": name, "files": [file], "repaired": False, "note": "", **fields}


def test_du_shows_models_and_what_is_llmds(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.disk = DISK
    out = llmd("du").out
    assert [line.split() for line in out.splitlines()[:3]] == [
        ["MODEL", "SIZE", "SHARED", "OWNER"],
        ["a", "5.0", "MB", "5.0", "MB", "llmd"],
        ["b", "1.0", "kB", "-", "others"],
    ]
    assert "llmd's in all         5.0 MB\n" in out
    assert "llmd gc" not in out
    daemon.disk = {**DISK, "garbage": 2_000}
    assert "2.0 kB: llmd gc" in llmd("du").out
    assert llmd("du", "--json").json["total"] == 5_000_030


def test_gc_says_what_goes_and_what_stays(llmd: Llmd, daemon: FakeDaemon) -> None:
    piece = {"path": "/m/blobs/x", "size": 2_000, "why": "orphan"}
    daemon.cleared = {"pieces": [piece], "freed": 2_000, "dry": True, "held": ["A record."]}
    result = llmd("gc", "--dry-run")
    assert result.out == "orphan  2.0 kB  /m/blobs/x\n2.0 kB would be freed, 1 files\n"
    assert result.err == "A record.\n"
    assert daemon.body("/control/gc") == {"dry": True}
    assert llmd("gc").out.endswith("2.0 kB freed, 1 files\n")
    assert daemon.body("/control/gc") == {"dry": False}
    assert llmd("gc", "--json").json["freed"] == 2_000


def test_verify_tells_sound_models_from_damaged_ones(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.checked = [
        PROGRESS,
        health("a", "ok"),
        health("b", "recorded"),
        health("c", "damaged", reason="its digest differs", damage=[[16, 32]], note="Fetch it."),
        {"models": 3, "damaged": ["c"]},
    ]
    result = llmd("verify")
    assert result.code == 1
    assert result.out == (
        "a: ok\n"
        "b: whole; its digest is kept from now on\n"
        "c: DAMAGED\n  /c.gguf: its digest differs (bytes 16 to 32)\nFetch it.\n"
    )
    assert daemon.body("/control/verify") == {"models": [], "repair": False}


def test_verify_ends_well_when_all_is_well(
    llmd: Llmd, daemon: FakeDaemon, pretend_terminal: Callable[[], None]
) -> None:
    daemon.checked = [PROGRESS, health("a", "ok", repaired=True), {"models": 1, "damaged": []}]
    result = llmd("verify", "a", "--repair")
    assert (result.code, result.out) == (0, "a: repaired\n")
    assert daemon.body("/control/verify") == {"models": ["a"], "repair": True}
    assert len(llmd("verify", "--json").out.splitlines()) == 3
    pretend_terminal()
    result = llmd("verify")
    assert result.code == 0
    assert "a: repaired" in result.err
