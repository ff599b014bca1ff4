from __future__ import annotations

from collections.abc import Iterator

import pytest

from llmd.cli import loudness
from llmd.cli.loudness import Loudness
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd


@pytest.fixture(autouse=True)
def _normal() -> Iterator[None]:
    yield
    loudness.choose(Loudness.NORMAL)


def test_the_words_of_every_command_are_taken_from_its_arguments() -> None:
    assert loudness.obey(["a", "--quiet", "-q", "b"]) == ["a", "-q", "b"]
    assert loudness.quiet()
    assert loudness.obey(["--verbose"]) == []
    assert loudness.verbose()


def test_behind_two_dashes_they_are_plain_words() -> None:
    assert loudness.obey(["--", "--quiet"]) == ["--", "--quiet"]
    assert not loudness.quiet()


@pytest.mark.parametrize("line", [("-q", "run", "hi"), ("run", "hi", "--quiet")])
def test_quiet_leaves_the_result_alone(
    llmd: Llmd, daemon: FakeDaemon, line: tuple[str, ...]
) -> None:
    assert "demonstration" in llmd("run", "hi").err
    assert llmd(*line) == (0, "The capital of France is Paris.\n", "")


def test_quiet_still_tells_of_errors(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert "There is no model nope." in llmd("-q", "show", "nope").err


@pytest.mark.parametrize("line", [("-v", "ps", "--json"), ("ps", "--json", "--verbose")])
def test_verbose_tells_of_each_call(llmd: Llmd, daemon: FakeDaemon, line: tuple[str, ...]) -> None:
    result = llmd(*line)
    assert result.err.startswith("GET /control/ps 200: ")
    assert result.json == {"models": []}


def test_one_command_line_does_not_make_the_next_one_quiet(llmd: Llmd, daemon: FakeDaemon) -> None:
    llmd("-q", "run", "hi")
    assert "demonstration" in llmd("run", "hi").err
