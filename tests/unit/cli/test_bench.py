from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmd.client import load
from llmd.client.load import Answer, Outcome, Target, Work
from tests.fakes.daemon import LOADED, FakeDaemon
from tests.unit.cli.conftest import Llmd

Run = Callable[[Target, Work, int], Outcome]


class FakeLoad:
    """Rounds without a server; remembers them."""

    def __init__(self) -> None:
        self.rounds: list[tuple[str, str, Work, int]] = []
        self.error = ""
        self.names = ["llmd-tiny"]

    async def run(self, target: Target, work: Work, seed: int) -> Outcome:
        self.rounds.append((target.url, target.model, work, seed))
        slow = 2.0 if "other" in target.url else 1.0
        answer = Answer(0.1, slow, work.answer, 10, 5, work.answer, self.error)
        return Outcome(work, slow, [answer])

    async def models(self, target: Target) -> list[str]:
        return self.names


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch, daemon: FakeDaemon) -> FakeLoad:
    fake = FakeLoad()
    monkeypatch.setattr(load, "run", fake.run)
    monkeypatch.setattr(load, "models", fake.models)
    daemon.loaded = [dict(LOADED)]
    return fake


def test_a_table_of_figures_with_memory(llmd: Llmd, rounds: FakeLoad) -> None:
    result = llmd("bench", "llmd-tiny", "--rounds", "2", "--concurrency", "1,4")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["CASE", "LLMD", "FIRST", "TOKEN", "FROM", "CACHE"]
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "prompt",
        "generation",
        "1 stream",
        "4 streams",
        "shared prefix",
    ]
    assert "memory: weights 4.6 MB" in result.err
    assert len(rounds.rounds) == 1 + 2 * 5
    assert len({seed for *_, seed in rounds.rounds}) == len(rounds.rounds)


def test_another_server_gets_the_same_load_in_turn(llmd: Llmd, rounds: FakeLoad) -> None:
    url = "http://other:8080/v1/"
    shown = llmd("bench", "--against", url, "--concurrency", "1", "--rounds", "2", "--json").json
    works = [(where, work) for where, _, work, _ in rounds.rounds]
    assert works[2][0] != works[3][0] == "http://other:8080/v1"
    assert [work for where, work in works if "other" in where] == [
        work for where, work in works if "other" not in where
    ]
    assert {case["ratio"] for case in shown["cases"] if case["case"] == "1 stream"} == {2.0}
    assert shown["servers"]["other"] == {"url": "http://other:8080/v1", "model": "llmd-tiny"}
    assert shown["memory"]["resident"] == LOADED["memory"]["resident"]  # type: ignore[index]
    table = llmd("bench", "--against", url, "--concurrency", "1", "--rounds", "1").out
    assert "TIMES AS FAST" in table.splitlines()[0]


def test_the_other_servers_only_model_is_taken_and_of_several_one_is_named(
    llmd: Llmd, rounds: FakeLoad
) -> None:
    rounds.names = ["gguf"]
    shown: Any = llmd("bench", "--against", "http://other/v1", "--concurrency", "1", "--json").json
    assert shown["servers"]["other"]["model"] == "gguf"
    rounds.names = ["a", "b"]
    refused = llmd("bench", "--against", "http://other/v1")
    assert refused.code == 4
    assert "a, b" in refused.err
    named = ("--against-model", "b", "--concurrency", "1", "--json")
    shown = llmd("bench", "--against", "http://other/v1", *named).json
    assert shown["servers"]["other"]["model"] == "b"


def test_errors_are_told_and_fail_the_command(llmd: Llmd, rounds: FakeLoad) -> None:
    rounds.error = "503 busy"
    result = llmd("bench", "--rounds", "1", "--concurrency", "1")
    assert result.code == 1
    assert "llmd: 1 errors, 0 answers too short 503 busy" in result.err


@pytest.mark.usefixtures("rounds")
@pytest.mark.parametrize("wrong", ["", "a", "0", "1,,2", "5000"])
def test_streams_are_numbers(llmd: Llmd, wrong: str) -> None:
    assert llmd("bench", "--concurrency", wrong).code == 2
