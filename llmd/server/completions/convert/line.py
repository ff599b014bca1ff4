"""What an answer tells of the waiting line and the prefix cache: headers, comments, why a prompt
was not found. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from llmd.protocol import events as native
from llmd.server.completions import schema


def headers(accepted: Sequence[native.Accepted]) -> dict[str, str]:
    """Return what the headers of an answer say; of several prompts the one that waits longest
    counts.
    """
    last = max(
        accepted,
        key=lambda event: (event.queue_position, event.estimated_wait),
        default=native.Accepted(0),
    )
    dropped = sum(event.dropped_tokens for event in accepted)
    told = {
        "X-LLMD-Queue-Position": str(last.queue_position),
        "X-LLMD-Estimated-Wait": f"{last.estimated_wait:.1f}",
    }
    return {**told, "X-LLMD-Dropped-Tokens": str(dropped)} if dropped else told


def comment(queued: native.Queued) -> bytes:
    """Return the place in the line as a comment of a stream of server-sent events."""
    return f": queued position={queued.position} wait={queued.estimated_wait:.1f}\n\n".encode()


def miss(parts: Sequence[native.Usage]) -> schema.CacheMiss | UnsetType:
    """Return why the prefix cache held no more of the first prompt of which it did not."""
    for part in parts:
        if found := part.cache_miss:
            return schema.CacheMiss(
                str(found.kind), found.token, found.text, found.instead, found.evicted_tokens
            )
    return UNSET


def discreet(event: native.Event) -> native.Event:
    """Return an event without the words of other prompts, which may be those of other clients."""
    if not (isinstance(event, native.Finished) and event.usage.cache_miss):
        return event
    replace = msgspec.structs.replace
    plain = replace(event.usage.cache_miss, instead="")
    return replace(event, usage=replace(event.usage, cache_miss=plain))
