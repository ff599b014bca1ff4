"""The line of requests with media."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from llmd.engine.media_cache import Encoded
from llmd.errors import InvalidRequest, LlmdError, QueueFull
from llmd.protocol.frames import Generate
from llmd.protocol.requests import ChatPrompt, GenerateRequest, TextPrompt
from llmd.runtime.worker import illustrator as module
from llmd.runtime.worker.illustrator import Illustrated, Illustrator

SHOWN = Encoded(b"x", 1, 1, (np.zeros((1, 1), np.float32),))


class FakeEncoder:
    """Encodes what is neither `bad` nor `odd`, which it was not made for."""

    def __init__(self) -> None:
        self.names: list[list[str]] = []

    def encode(
        self, items: list[bytes], names: list[str], cancelled: Callable[[], bool]
    ) -> list[Encoded]:
        self.names.append(names)
        if b"bad" in items:
            raise InvalidRequest("bad", param=names[0])
        if b"odd" in items:
            raise ZeroDivisionError
        return [] if cancelled() else [SHOWN] * len(items)


class Bench:
    """An illustrator and what came out of it."""

    def __init__(self, encoder: FakeEncoder | None) -> None:
        self.cancelled: set[int] = set()
        self.ready: list[Illustrated] = []
        self.failed: list[tuple[int, Exception]] = []
        self.beats = 0
        self.line = Illustrator(
            encoder,
            self.cancelled,
            self.ready.append,
            lambda request, error: self.failed.append((request, error)),
            self.beat,
        )

    def beat(self) -> None:
        self.beats += 1


def asking(request: int, *media: bytes) -> Generate:
    parts = [{"type": "text", "text": "x"}]
    parts += [{"type": "image", "media": index} for index in range(len(media))]
    prompt = ChatPrompt([{"role": "user", "content": parts}], media=list(media))
    return Generate(request, GenerateRequest(prompt=prompt))


@pytest.fixture
def bench() -> Bench:
    return Bench(FakeEncoder())


def test_requests_without_media_pass_by(bench: Bench) -> None:
    assert not bench.line.take(asking(1))
    assert not bench.line.take(Generate(2, GenerateRequest(prompt=TextPrompt("x"))))


def test_media_are_encoded_in_the_order_of_the_requests(bench: Bench) -> None:
    assert bench.line.take(asking(1, b"a", b"b"))
    assert bench.line.take(asking(2, b"c"))
    bench.line.encode_next()
    bench.line.encode_next()
    assert [(each.id, len(each.shown)) for each in bench.ready] == [(1, 2), (2, 1)]
    assert bench.ready[0].arrived <= bench.ready[1].arrived
    assert bench.beats == 2


def test_what_cannot_be_encoded_fails_with_its_place(bench: Bench) -> None:
    bench.line.take(asking(1, b"bad"))
    bench.line.encode_next()
    ((request, error),) = bench.failed
    assert isinstance(error, LlmdError)
    assert (request, error.param) == (1, "messages[0].content[1]")
    assert not bench.ready


def test_a_fault_fails_the_request_it_met_alone(bench: Bench) -> None:
    bench.line.take(asking(1, b"odd"))
    bench.line.take(asking(2, b"a"))
    bench.line.encode_next()
    bench.line.encode_next()
    ((request, error),) = bench.failed
    assert (request, type(error)) == (1, ZeroDivisionError)
    assert [each.id for each in bench.ready] == [2]


def test_a_cancelled_request_goes_on_without_media_so_that_the_preparer_drops_it(
    bench: Bench,
) -> None:
    bench.line.take(asking(1, b"a"))
    bench.cancelled.add(1)
    bench.line.encode_next()
    assert [each.shown for each in bench.ready] == [[]]


def test_a_model_without_a_projector_refuses(bench: Bench) -> None:
    bench = Bench(None)
    bench.line.take(asking(7, b"a"))
    bench.line.encode_next()
    ((_, error),) = bench.failed
    assert isinstance(error, LlmdError)
    assert error.code == "invalid_request"
    assert error.param == "messages[0].content[1]"


def test_what_waits_is_bounded_in_bytes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 10)
    assert bench.line.take(asking(1, b"123456"))
    assert bench.line.take(asking(2, b"123456"))
    assert [(request, type(error)) for request, error in bench.failed] == [(2, QueueFull)]
    bench.line.encode_next()
    assert bench.line.take(asking(3, b"123456"))
    bench.line.encode_next()
    assert [each.id for each in bench.ready] == [1, 3]
