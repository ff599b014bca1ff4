"""Whether files fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import NoRoom
from llmd.models.sources.transfer.journal import Identity
from llmd.models.sources.transfer.partial import Partial
from llmd.models.sources.transfer.room import check_room


def test_what_cannot_fit_is_refused_with_figures(tmp_path: Path) -> None:
    with pytest.raises(NoRoom, match=r"big needs 100000000\.0 GB more") as failure:
        check_room("big", [(10**17, tmp_path / "not" / "yet" / "there")], "Try less.")
    assert failure.value.details["needed"] == 10**17
    assert failure.value.hint == "Try less."


def test_what_has_come_already_counts(tmp_path: Path) -> None:
    target = tmp_path / "m"
    with Partial(target, Identity(10**17, "ab" * 32)) as partial:
        partial.write(0, memoryview(b"abc"))
    with pytest.raises(NoRoom) as failure:
        check_room("big", [(10**17, target)])
    assert failure.value.details["needed"] == 10**17 - 3


def test_what_fits_passes(tmp_path: Path) -> None:
    check_room("small", [(10, tmp_path / "m"), (0, tmp_path / "n")])
    check_room("nothing", [])
