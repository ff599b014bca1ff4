from __future__ import annotations

import grpc
import msgspec
import pytest

from llmd import errors as ours
from llmd.server.rpc import errors

CODES = grpc.StatusCode


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ours.InvalidRequest, CODES.INVALID_ARGUMENT),
        (ours.ContextOverflow, CODES.INVALID_ARGUMENT),
        (ours.Unauthorized, CODES.UNAUTHENTICATED),
        (ours.Forbidden, CODES.PERMISSION_DENIED),
        (ours.ModelNotFound, CODES.NOT_FOUND),
        (ours.ModelNotLoaded, CODES.FAILED_PRECONDITION),
        (ours.NoModel, CODES.FAILED_PRECONDITION),
        (ours.NotFound, CODES.NOT_FOUND),
        (ours.NameTaken, CODES.ALREADY_EXISTS),
        (ours.ModelBusy, CODES.FAILED_PRECONDITION),
        (ours.CorruptFile, CODES.FAILED_PRECONDITION),
        (ours.NoRoom, CODES.RESOURCE_EXHAUSTED),
        (ours.QueueFull, CODES.RESOURCE_EXHAUSTED),
        (ours.RateLimited, CODES.RESOURCE_EXHAUSTED),
        (ours.Draining, CODES.UNAVAILABLE),
        (ours.WorkerDied, CODES.UNAVAILABLE),
        (ours.PoisonRequest, CODES.INTERNAL),
        (ours.DownloadFailed, CODES.UNAVAILABLE),
        (ours.LlmdError, CODES.INTERNAL),
    ],
)
def test_every_error_has_its_status(kind: type[ours.LlmdError], status: grpc.StatusCode) -> None:
    assert errors.status(kind("x")) is status


def test_no_error_of_the_tree_is_unknown() -> None:
    def tree(root: type[ours.LlmdError]) -> list[type[ours.LlmdError]]:
        return [root, *(kind for child in root.__subclasses__() for kind in tree(child))]

    plain = {kind.status for kind in tree(ours.LlmdError) if kind.__module__ == ours.__name__}
    assert {status for status in plain if status < 500} <= errors._BY_STATUS.keys()


def test_a_program_finds_what_it_needs_in_the_trailing_metadata() -> None:
    error = ours.RateLimited(
        "Too much.", hint="Wait.", retry_after=7, limit=5, remaining=0, reset=9, resource="none"
    )
    refusal = errors.refusal(error)
    assert refusal.message == "Too much. Wait."
    told = dict(refusal.trailing)
    assert told["llmd-error-code"] == "rate_limited"
    assert (told["retry-after"], told["grpc-retry-pushback-ms"]) == ("7", "7000")
    assert (told["x-ratelimit-limit"], told["x-ratelimit-remaining"]) == ("5", "0")
    assert msgspec.json.decode(told["llmd-error-bin"])["details"]["limit"] == 5


def test_what_is_told_fits_into_headers() -> None:
    error = ours.ModelNotFound("模" * 100_000, hint="型" * 100_000, near=["x" * 100_000])
    refusal = errors.refusal(error)
    # gRPC writes what is not ASCII as three characters a byte, and details as base64
    size = 3 * len(refusal.message.encode()) + sum(
        2 * len(value) + len(key) for key, value in refusal.trailing
    )
    assert size < 8192
    assert msgspec.json.decode(dict(refusal.trailing)["llmd-error-bin"])["code"] == (
        "model_not_found"
    )


def test_lone_surrogates_do_not_break_the_telling() -> None:
    assert errors.refusal(ours.InvalidRequest("\ud800")).message


def test_who_does_not_read_is_told_so() -> None:
    refusal = errors.unread(120.0)
    assert refusal.status is CODES.ABORTED
    assert "120 s" in refusal.message
