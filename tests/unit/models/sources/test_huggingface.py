"""The parts of the source program that need no hub; tests/integration/test_pull.py runs the whole."""

from __future__ import annotations

import io
import json

import httpx2
import pytest
from huggingface_hub import errors as hub

from llmd.models.sources import huggingface
from llmd.models.sources.huggingface import Report


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    return waits


def refusal(status: int, **headers: str) -> hub.HfHubHTTPError:
    request = httpx2.Request("GET", "http://hub")
    return hub.HfHubHTTPError(
        "no", response=httpx2.Response(status, headers=headers, request=request)
    )


def fails(*errors: Exception) -> object:
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "fine"

    return call


def test_passing_faults_are_waited_out(waits: list[float]) -> None:
    call = fails(httpx2.ReadError("cut"), refusal(503))
    assert huggingface._patiently(call, (1.0, 2.0)) == "fine"
    assert waits == [1.0, 2.0]


def test_the_servers_wish_to_wait_is_honoured_within_reason(waits: list[float]) -> None:
    call = fails(refusal(429, **{"Retry-After": "7"}), refusal(429, **{"Retry-After": "9999"}))
    assert huggingface._patiently(call, (1.0, 1.0)) == "fine"
    assert waits == [7, 60]


def test_patience_ends(waits: list[float]) -> None:
    with pytest.raises(httpx2.ReadError):
        huggingface._patiently(fails(*[httpx2.ReadError("cut")] * 3), (1.0, 1.0))
    assert len(waits) == 2


def test_progress_renews_patience(waits: list[float]) -> None:
    done = iter(range(100))
    call = fails(*[httpx2.ReadError("cut")] * 20)
    assert huggingface._patiently(call, (1.0,), lambda: next(done)) == "fine"
    assert waits == [1.0] * 20


def test_lasting_faults_are_not_waited_out(waits: list[float]) -> None:
    with pytest.raises(hub.HfHubHTTPError):
        huggingface._patiently(fails(refusal(404)), (1.0,))
    assert waits == []


def test_progress_is_reported_a_few_times_a_second_and_over_all_files() -> None:
    out = io.BytesIO()
    report = Report(out)
    report.total, report.complete = 100, 40
    for done in range(50):
        report.progress("downloading", "m", done)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["done"] for line in lines] == [40]
