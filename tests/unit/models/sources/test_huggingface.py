"""The parts of the source program that need no hub; tests/integration/test_pull.py runs the whole."""

from __future__ import annotations

import httpx2
import pytest
from huggingface_hub import errors as hub

from llmd.models.sources import huggingface


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
    assert huggingface._patiently(call) == "fine"
    assert waits == [0.5, 1.0]


def test_the_servers_wish_to_wait_is_honoured(waits: list[float]) -> None:
    call = fails(refusal(429, **{"Retry-After": "7"}))
    assert huggingface._patiently(call) == "fine"
    assert waits == [7]


def test_patience_ends(waits: list[float]) -> None:
    with pytest.raises(httpx2.ReadError):
        huggingface._patiently(fails(*[httpx2.ReadError("cut")] * 3))
    assert len(waits) == 2


def test_lasting_faults_are_not_waited_out(waits: list[float]) -> None:
    with pytest.raises(hub.HfHubHTTPError):
        huggingface._patiently(fails(refusal(404)))
    assert waits == []
