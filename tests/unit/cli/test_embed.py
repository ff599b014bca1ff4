from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from llmd.cli import embed
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd


def test_piped_output_is_one_vector_a_line(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("embed", "a", "bcd")
    assert [msgspec.json.decode(line) for line in result.out.splitlines()] == [
        [1.0, 0.5],
        [3.0, 0.5],
    ]
    assert daemon.body("/v1/embeddings") == {"input": ["a", "bcd"]}


def test_lines_of_stdin_are_texts_and_go_in_batches(
    llmd: Llmd, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "_BATCH", 2)
    result = llmd("embed", "--json", "-m", "minilm", stdin="a\n\nbb\nccc\n")
    assert result.json == {
        "model": "minilm",
        "embeddings": [[1.0, 0.5], [2.0, 0.5], [3.0, 0.5]],
        "prompt_tokens": 3,
    }
    assert [len(body["input"]) for _, _, body in daemon.asked] == [2, 1]


@pytest.mark.usefixtures("daemon")
def test_a_terminal_gets_a_summary(llmd: Llmd, pretend_terminal: Callable[[], None]) -> None:
    pretend_terminal()
    result = llmd("embed", "hello", "x" * 50)
    assert "DIMENSIONS" in result.out
    assert "[5.0000, 0.5000, …]" in result.out
    assert f"{'x' * 39}…" in result.out
    assert "--json" in result.err


def test_a_pipe_that_is_no_utf_8_is_refused_in_a_line(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("embed", stdin=b"caf\xe9")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "no text in UTF-8" in result.err
