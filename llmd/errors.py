"""Every failure llmd reports, as one shallow tree; each class has a stable `code` and an HTTP
`status`.

LlmdError
├── InvalidRequest          400  the caller's input is wrong; `param` names the field
│   ├── ContextOverflow     400  the prompt does not fit; names needed and available tokens
│   ├── ConstraintRefused   400  a schema or grammar cannot be enforced; names tool, path, keyword
│   ├── BodyTooLarge        413  the request body is over the configured limit
│   ├── MethodNotAllowed    405  the path exists, the method does not
│   └── RequestTimeout      408  the request came too slowly
├── Unauthorized            401  no credentials, or such as do not count (any more)
│   └── InvalidKey          401  the API key is unknown, disabled or has expired
├── Forbidden               403  the caller is known and may not do this
│   └── StalePage           403  the browser's page is older than its login, or its stamp is missing
├── ConfigInvalid           400  a key or value of config.toml or of the environment is wrong
├── ModelNotFound           404  no model of that name; suggests near ones
│   ├── ModelNotLoaded      404  it is on the disk, but not in memory
│   └── NoModel             503  the request names no model, and none can do this
├── NotFound                404  any other thing that is not there
├── NameTaken               409  the name already belongs to another model
├── ModelBusy               409  the model is in use and cannot be removed or reloaded now
├── SessionBusy             409  an answer is being written in this session already
├── AlreadyRunning          409  another daemon holds the lock
├── RequestCancelled        410  somebody cancelled the request while it was answered
├── CorruptFile             422  the file is no GGUF, is truncated or damaged
├── UnsupportedArchitecture 422  llama.cpp does not know this architecture
├── UnsupportedFormat       422  the weights are in another format than GGUF
├── NoRoom                  507  not enough memory or disk
├── QueueFull               429  too many requests wait; `retry_after` says when to come back
├── RateLimited             429  the caller has used up a limit; `retry_after` as above
├── Draining                503  the daemon is shutting down
├── StorageFailed           503  the database cannot be used, or not by this version
├── WorkerDied              503  the model's process died; retriable; `cause` says why
│   └── PoisonRequest       500  this very request killed the worker twice; not retriable
├── LoadFailed              500  llama.cpp could not load the model
├── QuantizeFailed          500  llama.cpp could not quantise the model
├── DownloadFailed          502  the source could not be reached or sent wrong bytes
├── AccessDenied            403  the source refuses these credentials (gated or private repository)
└── DaemonUnreachable       503  nothing answers on the daemon's socket

Errors travel between processes as `to_wire()` dicts and come back as the same class through
`from_wire()`.
"""

from __future__ import annotations

from typing import Any, ClassVar


class LlmdError(Exception):
    """What happened, why, and what to do next."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(
        self, message: str, *, hint: str = "", param: str | None = None, **details: Any
    ) -> None:
        """Keep `message` (one sentence), `hint` (what to do next) and `details` (JSON-ready
        figures).
        """
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.param = param
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    @property
    def retry_after(self) -> int | None:
        """Seconds after which the same request may succeed, or None."""
        value = self.details.get("retry_after")
        return int(value) if value is not None else None

    def to_wire(self) -> dict[str, Any]:
        """Return the error as a JSON-ready dict."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "param": self.param,
            "details": self.details,
        }


class InvalidRequest(LlmdError):
    """The caller's input is wrong."""

    code = "invalid_request"
    status = 400


class ContextOverflow(InvalidRequest):
    """The prompt does not fit the context."""

    code = "context_length_exceeded"


class ConstraintRefused(InvalidRequest):
    """A schema or grammar cannot be enforced; `details` may have tool, path and keyword."""

    code = "constraint_refused"


class BodyTooLarge(InvalidRequest):
    """The request body is over the configured limit."""

    code = "body_too_large"
    status = 413


class MethodNotAllowed(InvalidRequest):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    status = 405


class RequestTimeout(InvalidRequest):
    """The request came too slowly."""

    code = "request_timeout"
    status = 408


class Unauthorized(LlmdError):
    """No credentials, or such as do not count (any more)."""

    code = "unauthorized"
    status = 401


class InvalidKey(Unauthorized):
    """The API key is unknown, disabled or has expired."""

    code = "invalid_api_key"


class Forbidden(LlmdError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403


class StalePage(Forbidden):
    """The browser's page is older than its login, or its stamp is missing."""

    code = "stale_page"


class RequestCancelled(LlmdError):
    """Somebody cancelled the request while it was answered; 410, which no client tries again."""

    code = "request_cancelled"
    status = 410


class ConfigInvalid(LlmdError):
    """A setting is wrong."""

    code = "config_invalid"
    status = 400


class ModelNotFound(LlmdError):
    """No model of that name."""

    code = "model_not_found"
    status = 404


class ModelNotLoaded(ModelNotFound):
    """The model is on the disk, but not in memory."""

    code = "model_not_loaded"


class NoModel(ModelNotFound):
    """The request names no model, and none can do this."""

    code = "no_model"
    status = 503


class NotFound(LlmdError):
    """The thing asked for is not there."""

    code = "not_found"
    status = 404


class NameTaken(LlmdError):
    """The name already belongs to another model."""

    code = "name_taken"
    status = 409


class ModelBusy(LlmdError):
    """The model is in use."""

    code = "model_busy"
    status = 409


class SessionBusy(LlmdError):
    """An answer is being written in this session already."""

    code = "session_busy"
    status = 409


class AlreadyRunning(LlmdError):
    """Another daemon holds the lock."""

    code = "already_running"
    status = 409


class CorruptFile(LlmdError):
    """The file is no GGUF, is truncated or damaged."""

    code = "corrupt_file"
    status = 422


class UnsupportedArchitecture(LlmdError):
    """llama.cpp does not know this architecture."""

    code = "unsupported_arch"
    status = 422


class UnsupportedFormat(LlmdError):
    """The weights are in another format than GGUF."""

    code = "unsupported_format"
    status = 422


class NoRoom(LlmdError):
    """There is not enough memory or disk."""

    code = "no_room"
    status = 507


class QueueFull(LlmdError):
    """Too many requests wait already."""

    code = "queue_full"
    status = 429


class RateLimited(LlmdError):
    """The caller has used up a limit."""

    code = "rate_limited"
    status = 429


class Draining(LlmdError):
    """The daemon is shutting down."""

    code = "draining"
    status = 503


class StorageFailed(LlmdError):
    """The database cannot be used, or not by this version."""

    code = "storage_failed"
    status = 503


class WorkerDied(LlmdError):
    """The model's process died; `details["cause"]` is oom, killed, wedged or native_abort."""

    code = "worker_died"
    status = 503


class PoisonRequest(WorkerDied):
    """This very request killed the worker twice."""

    code = "poison_request"
    status = 500


class LoadFailed(LlmdError):
    """llama.cpp could not load the model."""

    code = "load_failed"
    status = 500


class QuantizeFailed(LlmdError):
    """llama.cpp could not quantise the model."""

    code = "quantize_failed"
    status = 500


class DownloadFailed(LlmdError):
    """The source could not be reached or sent wrong bytes."""

    code = "download_failed"
    status = 502


class AccessDenied(LlmdError):
    """The source refuses these credentials."""

    code = "access_denied"
    status = 403


class DaemonUnreachable(LlmdError):
    """Nothing answers on the daemon's socket."""

    code = "daemon_unreachable"
    status = 503


def bug() -> LlmdError:
    """Return what a caller is told of a fault of llmd's own; whoever tells it logs the fault."""
    return LlmdError(
        "llmd made an internal error.", hint="`llmd logs` has the details; please report them."
    )


def _tree(root: type[LlmdError]) -> list[type[LlmdError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _tree(child))]


_BY_CODE = {kind.code: kind for kind in _tree(LlmdError)}


def code_status(code: str) -> int:
    """Return the HTTP status of the error with this code."""
    return _BY_CODE.get(code, LlmdError).status


def from_wire(wire: dict[str, Any]) -> LlmdError:
    """Rebuild the error that `to_wire` described; an unknown code becomes a plain `LlmdError`."""
    kind = _BY_CODE.get(wire.get("code", ""), LlmdError)
    details = wire.get("details") or {}
    return kind(
        str(wire.get("message", "")),
        hint=str(wire.get("hint") or ""),
        param=wire.get("param"),
        **details,
    )
