from __future__ import annotations

import pytest

from llmd.cli import progress

EVENTS = [
    {"status": "resolving", "name": "owner/repo"},
    *(
        {
            "status": "downloading",
            "file": "sub/model.gguf",
            "done": done,
            "total": 1000,
            "rate": 100.0,
        }
        for done in range(0, 1001, 10)
    ),
    {"status": "registering", "name": "owner/repo"},
    {"model": {"name": "owner/repo"}},
]


def test_without_a_terminal_a_download_is_a_line_for_every_tenth(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert progress.pull_lines(EVENTS) == EVENTS[-1]
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == "resolving repo"
    assert lines[1] == "downloading model.gguf 0% of 1.0 kB 100 B/s, 10 s left"
    assert lines[-2:] == ["downloading model.gguf 100% of 1.0 kB 100 B/s", "registering repo"]
    assert len(lines) == 13


def test_what_is_unusual_is_said_and_until_when_it_waits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waiting = {
        "status": "waiting",
        "name": "owner/repo",
        "note": "downloads wait for their hours",
        "waiting_until": 1.0,
    }
    retrying = {"status": "downloading", "file": "m.gguf", "note": "HTTP 503; trying again in 2 s"}
    progress.pull_lines([waiting, retrying, retrying, EVENTS[-1]])
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("waiting repo: downloads wait for their hours until ")
    assert second == "downloading m.gguf: HTTP 503; trying again in 2 s"
    progress.pull_bar([waiting, retrying])


def test_the_bar_shows_the_file_and_returns_the_last_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert progress.pull_bar(EVENTS) == EVENTS[-1]
    out, err = capsys.readouterr()
    assert out == ""
    assert "registering" in err


def test_json_passes_every_event_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert progress.json_lines(EVENTS[:1]) == EVENTS[0]
    assert capsys.readouterr().out == '{"status":"resolving","name":"owner/repo"}\n'


def test_loading_is_shown_or_not_with_the_same_end(capsys: pytest.CaptureFixture[str]) -> None:
    events = [
        {"status": "loading", "fraction": 0.5},
        {"status": "ready", "fraction": 1.0, "model": {"name": "m"}},
    ]
    assert progress.load_bar(events) == progress.load_silently(events) == events[-1]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "show", [progress.pull_bar, progress.pull_lines, progress.json_lines, progress.load_bar]
)
def test_a_stream_without_events_is_no_fault(show: progress.Show) -> None:
    assert show([]) == {}


def test_the_display_fits_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(*, as_json: bool, terminal: bool) -> progress.Show:
        monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
        return progress.choose(as_json=as_json, bar=progress.pull_bar, lines=progress.pull_lines)

    assert chosen(as_json=True, terminal=True) is progress.json_lines
    assert chosen(as_json=False, terminal=True) is progress.pull_bar
    assert chosen(as_json=False, terminal=False) is progress.pull_lines
