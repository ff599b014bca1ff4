from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from llmd.engine.warm_prefixes import Recalled
from llmd.runtime.worker import warming
from llmd.runtime.worker.warming import Warming


class Prefixes:
    """Stands for WarmPrefixes: numbers instead of snapshots."""

    def __init__(self, slots: list[int]) -> None:
        self.slots = slots
        self.kept: list[str] = []
        self.hold = 0.0
        self.free = threading.Event()
        self.free.set()
        """Whether the disk takes what is stored."""
        self.short = 0

    def put_by(self) -> bool:
        self.short -= 1
        return self.short >= 0

    @property
    def pending(self) -> bool:
        return bool(self.slots)

    def next(self) -> str | None:
        return f"snapshot {self.slots.pop(0)}" if self.slots else None

    def store(self, snapshot: str) -> bool:
        time.sleep(self.hold)
        assert self.free.wait(30)
        self.kept.append(snapshot)
        return True

    def look(self, sequence: int, tokens: list[int], reused: int) -> Recalled:
        if not tokens:
            raise MemoryError
        return Recalled(sequence, None, len(tokens) - reused)


def start(slots: list[int]) -> tuple[Any, Prefixes, Warming, list[Recalled]]:
    prefixes = Prefixes(slots)
    answers: list[Recalled] = []
    engine: Any = SimpleNamespace(warm=prefixes, fetch=None, parked=0)
    engine.park_all = lambda: setattr(engine, "parked", engine.parked + 1)
    warm = Warming(engine, answers.append)
    assert warm.patience() == 0.0
    warm.save()
    return engine, prefixes, warm, answers


def settle(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_nothing_to_save_means_waiting_for_ever() -> None:
    assert start([])[2].patience() is None
    assert Warming(None, lambda _: None).patience() is None


def test_short_prefixes_are_put_by_at_once_after_each_work() -> None:
    _, prefixes, warm, _ = start([])
    prefixes.short = 2
    assert warm.patience() is None
    warm.busy()
    for _ in range(3):
        assert warm.patience() == 0.0
        warm.save()
    assert prefixes.short == -1
    assert warm.patience() is None


def test_saving_waits_for_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    _, prefixes, warm, _ = start([1, 2])
    assert 0 < (warm.patience() or 0) <= 2
    monkeypatch.setattr(warming, "_QUIET", 0.0)
    assert warm.patience() == 0.0
    warm.save()
    settle(lambda: prefixes.kept == ["snapshot 1"])
    settle(lambda: warm.patience() == 0.0)
    warm.save()
    settle(lambda: len(prefixes.kept) == 2)
    assert warm.patience() is None


def test_one_prefix_is_written_at_a_time() -> None:
    _, prefixes, warm, _ = start([1, 2])
    prefixes.hold = 0.2
    warm.save()
    warm.save()
    assert prefixes.slots == [2]
    assert warm.patience() == pytest.approx(2.0)


def test_the_disk_is_read_by_another_thread() -> None:
    engine, _, _, answers = start([])
    engine.fetch(7, [1, 2, 3], 1)
    settle(lambda: answers == [Recalled(7, None, 2)])


def test_the_disk_is_read_while_a_prefix_is_written() -> None:
    engine, prefixes, warm, answers = start([1])
    prefixes.free.clear()
    warm.save()
    engine.fetch(7, [1, 2, 3], 1)
    settle(lambda: answers == [Recalled(7, None, 2)])
    assert not prefixes.kept
    prefixes.free.set()


def test_a_request_whose_prefix_cannot_be_read_goes_on_without(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine, _, _, answers = start([])
    engine.fetch(7, [], 0)
    settle(lambda: answers == [Recalled(7)])
    assert "MemoryError" in capsys.readouterr().err


def test_the_end_waits_for_what_is_being_written() -> None:
    _, prefixes, warm, _ = start([1, 2])
    prefixes.hold = 0.1
    warm.save()
    warm.finish()
    assert prefixes.kept == ["snapshot 1", "snapshot 2"]


def test_the_end_saves_everything_running_answers_included() -> None:
    engine, prefixes, warm, _ = start([3, 4])
    warm.finish()
    assert engine.parked == 1
    assert prefixes.kept == ["snapshot 3", "snapshot 4"]


def test_the_end_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    _, prefixes, warm, _ = start(list(range(50)))
    prefixes.hold = 0.05
    monkeypatch.setattr(warming, "_AT_THE_END", 0.12)
    warm.finish()
    assert 1 <= len(prefixes.kept) < 10
