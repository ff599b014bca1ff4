from __future__ import annotations

import io

import pytest
import typer

from llmd.cli import asking
from tests.fakes.daemon import TINY, FakeDaemon


@pytest.fixture(autouse=True)
def stdin(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stdin = io.StringIO()
    monkeypatch.setattr("sys.stdin", stdin)
    return stdin


def ask(*words: str, model: str | None = None) -> tuple[str | None, str]:
    question = asking.question(words, model, start=False)
    return question.model, question.prompt


def test_words_are_joined(daemon: FakeDaemon) -> None:
    assert ask("what", "is", "this") == (None, "what is this")
    assert daemon.asked


def test_a_single_word_that_names_no_model_is_the_prompt(daemon: FakeDaemon) -> None:
    assert ask("hello") == (None, "hello")
    assert daemon.asked


@pytest.mark.usefixtures("daemon")
def test_a_model_named_alone_is_asked_nothing() -> None:
    assert ask("llmd-tiny") == ("llmd-tiny", "")
    assert "`llmd chat llmd-tiny`" in str(asking.no_prompt("llmd-tiny"))


def test_an_installed_model_may_come_first(daemon: FakeDaemon) -> None:
    daemon.models.append({**TINY, "name": "mine"})
    assert ask("mine", "what", "is", "this") == ("mine", "what is this")


@pytest.mark.usefixtures("daemon")
def test_an_alias_of_the_catalogue_may_come_first() -> None:
    assert ask("qwen-7b-chat", "hello") == ("qwen-7b-chat", "hello")
    assert ask("qwen-7b-chat:q8_0", "hello") == ("qwen-7b-chat:q8_0", "hello")


@pytest.mark.usefixtures("daemon")
def test_the_option_wins_over_the_first_word() -> None:
    assert ask("llmd-tiny", "is", "small", model="other") == ("other", "llmd-tiny is small")


@pytest.mark.usefixtures("daemon")
def test_what_is_piped_follows_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("text\nof a file\n"))
    assert ask("summarise", "this:") == (None, "summarise this:\n\ntext\nof a file")


@pytest.mark.usefixtures("daemon")
def test_a_model_alone_is_asked_what_is_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hello"))
    assert ask("llmd-tiny") == ("llmd-tiny", "hello")


@pytest.mark.usefixtures("daemon")
def test_a_dash_stands_for_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hello"))
    assert ask("-") == (None, "hello")


@pytest.mark.usefixtures("paths")
def test_asking_nothing_is_wrong_usage() -> None:
    with pytest.raises(typer.BadParameter):
        ask()


def test_a_body_holds_only_what_was_chosen() -> None:
    assert asking.body(temperature=0, seed=None, model=None) == {
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_adapters_with_and_without_a_scale() -> None:
    assert asking.adapters(None) is None
    assert asking.adapters(["style", "a=b=-0.5"]) == [
        {"name": "style"},
        {"name": "a=b", "scale": -0.5},
    ]
    with pytest.raises(typer.BadParameter):
        asking.adapters(["style=much"])
