from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from tests.fakes.shelf import application, loaded, manifest, plan, settle, stocked
from tests.fakes.snapshots import EMPTY, PULL, snapshot
from tests.tui.conftest import SIZES

BUSY = msgspec.structs.replace(snapshot([loaded(pinned=True)]), downloads=[PULL])
TOO_LARGE = plan(
    fits=False,
    problem="llama3.3-70b needs about 41.2 GiB, but only 5.6 GiB of CPU are free.",
    uses=[{"device": "CPU", "parts": {"weights": 43 * 10**9, "kv_cache": 10**9}, "mapped": 0}],
    remedies=[{"text": "A quantisation whose weights take 4.9 GiB would fit.", "options": None}],
)


@pytest.fixture
def picture(
    snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., bool]:
    """Return a function that compares the page, after some keys, with its stored picture."""
    monkeypatch.delenv("NO_COLOR", raising=False)

    def compare(size: str, seen: Any = EMPTY, keys: tuple[str, ...] = (), theme: str = "") -> bool:
        control = stocked(
            models=[manifest(), manifest("通义千问:q4_k_m", quantization="Q4_K_M", owned=True)]
        )
        if "end" in keys:
            control.answers["POST /control/plan"] = TOO_LARGE
        app = application("models", control, tmp_path)

        async def before(pilot: Pilot[None]) -> None:
            while not (app.page and app.page.TAB == "models" and app.page.query("KeyLine")):
                await pilot.pause()
            if theme:
                app.theme = theme
            app.arrived(seen)
            await settle(pilot)
            for key in keys:
                await pilot.press(key)
                await settle(pilot)

        return bool(snap_compare(app, terminal_size=SIZES[size], run_before=before))

    return compare


Picture = Callable[..., bool]


@pytest.mark.parametrize("size", SIZES)
def test_models_that_are_loaded_fetched_here_and_away(picture: Picture, size: str) -> None:
    assert picture(size, BUSY)


def test_the_models_are_readable_in_light(picture: Picture) -> None:
    assert picture("wide", BUSY, theme="textual-light")


@pytest.mark.parametrize(
    "keys",
    [("l",), ("down", "down", "p"), ("x",), ("end", "l")],
    ids=["load", "pull", "delete", "refused"],
)
def test_dialogs_of_models_fit_the_smallest_terminal(
    picture: Picture, keys: tuple[str, ...]
) -> None:
    assert picture("small", EMPTY, keys)
