"""How the daemon is, and how requests stand, in the words of `llmd status` and `llmd requests`."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from llmd.protocol.events import CacheMiss
from llmd.protocol.models import LoadedModel, LoadFailure
from llmd.protocol.requests import Lane


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the daemon; sizes in bytes."""

    version: str
    llama_cpp: str
    """Version of llama-cpp-python."""
    pid: int
    started_at: float
    state: str
    """`running` or `draining`."""
    address: str
    grpc: str = ""
    """Address of the gRPC listener; empty: there is none."""
    socket: str
    log_file: str
    resident: int
    """Resident set of the daemon process."""
    memory_used: int
    memory_total: int
    requests: int
    """Requests being answered, waiting ones included."""
    loaded: list[LoadedModel]
    connections: int = 0
    """Client connections that are open, over HTTP and WebSocket."""
    security: str = "open"
    """Who may call: `open`, `keys` or `users`, see SecuritySettings."""
    failures: list[LoadFailure] = []
    """Models that could not be loaded within the last hour, and have not been since."""


class RequestState(StrEnum):
    """How far a request is."""

    PREPARING = "preparing"
    """Its model is loaded, or its prompt tokenised."""
    QUEUED = "queued"
    READING = "reading"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RequestReport(msgspec.Struct, frozen=True, kw_only=True):
    """One request; a row of `llmd requests`. Times in seconds."""

    id: int
    """Counts up from the start of the daemon."""
    trace: str
    """The `X-Request-Id` it came with or was given; the choices of one request share it."""
    model: str
    client: str
    """Whose turn it takes: a hashed API key, a user, or an address."""
    lane: Lane
    state: RequestState
    reason: str
    """How it ended: the finish reason, or the code of the error; of one that goes on, what it is
    being ended with: its client may be slow to hear of it.
    """
    position: int | None
    """Requests ahead of it, while it is queued."""
    estimated_wait: float | None
    queued: float
    """How long it waited for its turn; known once it has ended."""
    first_token: float | None
    """From its arrival to the first token of its answer."""
    arrived: float
    """Seconds since the epoch."""
    age: float
    """Since it came; of one that ended, how long it took."""
    prompt_tokens: int
    read_tokens: int
    """Prompt tokens that were read so far, cached ones included."""
    cached_tokens: int
    cache_miss: CacheMiss | None
    missed: str
    """The same in words."""
    generated_tokens: int
    tokens_per_second: float | None
    """Of the answer, after its first token."""
    drafted_tokens: int
    accepted_tokens: int
    draft_acceptance: float | None


class RequestList(msgspec.Struct, frozen=True):
    """What `GET /control/requests` answers."""

    live: list[RequestReport]
    """Oldest first."""
    ended: list[RequestReport]
    """In the order in which they ended."""
