"""What is told of a call when it has ended: a line in the log, metrics, and a span where traces are
collected. The counterpart of `middleware/access_log`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from llmd.protocol.callers import Caller
from llmd.services.bundle import Services
from llmd.telemetry import journal
from llmd.telemetry.journal import Journal

_LEFT = 499
"""The HTTP status that metrics know clients by who left."""


@dataclass(slots=True)
class Record:
    """One call, as far as is known."""

    method: str
    identity: str
    """Its `x-request-id`."""
    caller: Caller | None = None
    status: str = "cancelled"
    """The gRPC status."""
    http: int = _LEFT
    """What the status would be over HTTP."""

    def settle(self, status: str, http: int) -> None:
        """Say how it ended; until then it was cancelled by its client."""
        self.status, self.http = status, http


@contextmanager
def recorded(
    services: Services, method: str, identity: str, headers: Mapping[str, str]
) -> Iterator[Record]:
    """Keep a record for the length of a `with`, and tell of it at its end."""
    record = Record(method, identity)
    started = time.monotonic()
    with (
        structlog.contextvars.bound_contextvars(request=identity),
        journal.keeping() as kept,
        services.tracing.request(headers) as span,
    ):
        try:
            yield record
        finally:
            seconds = time.monotonic() - started
            told = _known(record, kept)
            if span:
                span.finish(f"model.ModelService/{method}", record.http, told, kept)
            services.metrics.http.count("grpc", "POST", method, record.http, seconds)
            structlog.get_logger("grpc").info("call", **told, ms=round(seconds * 1000, 1))


def _known(record: Record, kept: Journal) -> dict[str, str | int]:
    told: dict[str, str | int] = {"method": record.method, "status": record.status}
    if record.caller:
        told["caller"] = record.caller.label or record.caller.client
    if kept.model:
        told["model"] = kept.model
        told["prompt_tokens"] = kept.prompt_tokens
        told["completion_tokens"] = kept.completion_tokens
    return told
