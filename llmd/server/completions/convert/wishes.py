"""What a request says about the loading of its model, and what an answer says to that. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from llmd.config.settings import Mismatch
from llmd.config.values import Duration
from llmd.errors import InvalidRequest
from llmd.protocol.placement import LoadOptions
from llmd.server.completions import schema


def wish(asked: schema.Options) -> LoadOptions:
    """Return what a request wishes; raise InvalidRequest for a `keep_alive` that is none."""
    length = asked.context_length or asked.num_ctx
    if length is None and asked.options:
        length = asked.options.num_ctx
    return LoadOptions(context_length=length, keep_alive=keep_alive(asked.keep_alive, asked.ttl))


def keep_alive(value: str | float | None, ttl: int | None) -> float | None:
    """Return the seconds that a model shall stay when idle, -1 for ever; None: nothing is said."""
    if value is None:
        return None if ttl is None else float(ttl)
    if isinstance(value, str) and value.strip().startswith("-"):
        return -1.0  # any negative duration, as with Ollama
    try:
        seconds = Duration.parse(value)
    except ValueError as error:
        raise InvalidRequest(
            f"keep_alive is {value!r}.", hint=f"It is {Duration.ALLOWED}.", param="keep_alive"
        ) from error
    return float(seconds) if seconds.limited else -1.0


def mismatch(asked: schema.Options) -> Mismatch | None:
    """Return what a request wants to happen where its model is loaded otherwise."""
    return Mismatch(asked.mismatch) if asked.mismatch else None


def headers(unmet: Sequence[str]) -> dict[str, str]:
    """Return the header that names what would need the model loaded anew."""
    return {"X-LLMD-Would-Reload": ", ".join(unmet)} if unmet else {}
