"""The one place where exceptions become answers: handlers return responses or raise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from llmd.errors import (
    BodyTooLarge,
    InvalidRequest,
    LlmdError,
    MethodNotAllowed,
    NotFound,
    RequestTimeout,
    Unauthorized,
    bug,
)
from llmd.server.http.body import nested_too_deep

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Encode = Callable[[LlmdError], bytes]


class ClientGone(Exception):
    """The client closed the connection or stopped reading; there is nobody to answer."""


class SlowBody(TimeoutError):
    """The body of a request comes too slowly. aiohttp, which may be reading the rest of it, knows
    what a TimeoutError means.
    """


def respond(error: LlmdError, encode: Encode) -> web.Response:
    """Return the answer that tells of an error."""
    response = web.Response(
        status=error.status, body=encode(error), content_type="application/json"
    )
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed) and "allow" in error.details:
        response.headers["Allow"] = error.details["allow"]
    return response


def translate(error: BaseException) -> LlmdError:
    """Map what is not ours to ours: aiohttp's refusals, and bugs."""
    if isinstance(error, LlmdError):
        return error
    if isinstance(error, web.HTTPException):
        return _refused(error)
    if isinstance(error, web.RequestPayloadError):
        return InvalidRequest(
            "The body is not encoded as its Content-Encoding or Transfer-Encoding says.",
            hint="Send it as it is, without these headers.",
        )
    if isinstance(error, SlowBody):
        return RequestTimeout(
            "The body of the request came too slowly.",
            hint="Send it faster, or raise server.body_timeout.",
        )
    if isinstance(error, RecursionError):
        return nested_too_deep()
    structlog.get_logger("http").error("bug", exc_info=error)
    return bug()


def _refused(error: web.HTTPException) -> LlmdError:
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return BodyTooLarge(
            "The request body is too large.",
            hint="Send less, or raise server.max_body.",
            reason=error.reason,
        )
    if isinstance(error, web.HTTPNotFound):
        return NotFound("There is nothing at this path.", hint="Check the base URL of the client.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return MethodNotAllowed(
            f"This path does not take {error.method}.", hint=f"It takes {allowed}.", allow=allowed
        )
    return InvalidRequest(error.reason)


def bounded(handler: Handler, encode: Encode) -> Handler:
    """Wrap a handler so that whatever it raises becomes an answer of its dialect."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ClientGone:
            return web.Response(status=499)
        except Exception as error:  # noqa: BLE001  the boundary
            return respond(translate(error), encode)

    return answer
