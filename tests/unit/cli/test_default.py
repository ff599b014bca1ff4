from __future__ import annotations

from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd

ROW = {"purpose": "chat", "model": "llmd-tiny", "chosen": False, "overridden_by": ""}


def test_the_defaults_are_listed_all_or_one(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.defaults = {"defaults": [ROW, {**ROW, "purpose": "vision", "model": ""}]}
    assert [line.split() for line in llmd("default").out.splitlines()[1:]] == [
        ["chat", "llmd-tiny", "newest"],
        ["vision", "none", "newest"],
    ]
    assert len(llmd("default", "vision").out.splitlines()) == 2
    assert llmd("default", "--json").json["defaults"][0] == ROW


def test_one_that_is_not_here_is_told_with_the_way_out(llmd: Llmd, daemon: FakeDaemon) -> None:
    gone = {**ROW, "model": "gone", "chosen": True, "missing": True}
    daemon.defaults = {"defaults": [gone, {**ROW, "purpose": "vision"}]}
    [said] = llmd("default").err.splitlines()
    assert said.startswith("gone is not here")
    assert "llmd default chat --auto" in said


def test_one_is_chosen_or_left_to_the_newest(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.defaults = {
        **ROW,
        "chosen": True,
        "overridden_by": "LLMD_MODEL",
    }
    result = llmd("default", "chat", "llmd-tiny")
    assert daemon.body("/control/defaults") == {"purpose": "chat", "model": "llmd-tiny"}
    assert "yes" in result.out
    assert "LLMD_MODEL" in result.err
    llmd("default", "chat", "--auto")
    assert daemon.body("/control/defaults") == {"purpose": "chat", "model": None}


def test_a_model_and_auto_at_once_are_wrong_usage(llmd: Llmd) -> None:
    assert llmd("default", "chat", "m", "--auto").code == 2
    assert llmd("default", "--auto").code == 2
