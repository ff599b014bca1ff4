"""Requests as rows of a table and as a card with all that is known. Pure."""

from __future__ import annotations

from llmd.protocol import amounts
from llmd.protocol.reports import RequestList, RequestReport, RequestState
from llmd.protocol.requests import Lane
from llmd.tui.cells import Cell, Column, Line, Row, Tone, line, told

_TONES = {
    RequestState.PREPARING: Tone.ACCENT,
    RequestState.QUEUED: Tone.WARN,
    RequestState.READING: Tone.ACCENT,
    RequestState.WRITING: Tone.GOOD,
    RequestState.DONE: Tone.DIM,
    RequestState.FAILED: Tone.BAD,
    RequestState.CANCELLED: Tone.WARN,
}
LIVE = frozenset(
    {
        RequestState.PREPARING,
        RequestState.QUEUED,
        RequestState.READING,
        RequestState.WRITING,
    }
)

COLUMNS = (
    Column(name="ID", right=True),
    Column(name="STATE"),
    Column(name="MODEL", flexible=True),
    Column(name="PROMPT", right=True),
    Column(name="CACHED", right=True, rank=1),
    Column(name="ANSWER", right=True),
    Column(name="T/S", right=True),
    Column(name="1ST", right=True, rank=3),
    Column(name="WAITED", right=True, rank=4),
    Column(name="TIME", right=True),
    Column(name="LANE", rank=6),
    Column(name="CLIENT", rank=5, flexible=True),
    Column(name="NOT CACHED BECAUSE", rank=7, flexible=True),
)


def printable(text: str) -> str:
    """Return text that cannot move the cursor: clients choose what stands in it."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def row(request: RequestReport) -> Row:
    """Return a row of the table."""
    tone = Tone.PLAIN if request.state in LIVE else Tone.DIM
    texts = (
        request.model,
        _number(request.prompt_tokens),
        _cached(request),
        _number(request.generated_tokens),
        f"{request.tokens_per_second:.1f}" if request.tokens_per_second else "",
        amounts.seconds(request.first_token),
        _wait(request),
        amounts.seconds(request.age),
        "batch" if request.lane is Lane.BATCH else "",
        printable(request.client),
        printable(request.missed),
    )
    cells = (Cell(str(request.id), tone), state(request), *(Cell(text, tone) for text in texts))
    return Row(str(request.id), cells)


def state(request: RequestReport) -> Cell:
    """Return how far a request is: `queued #3`, `reading 40%`, `done`."""
    word = str(request.state)
    if request.state is RequestState.QUEUED and request.position is not None:
        word = f"queued #{request.position + 1}"
    elif request.state is RequestState.READING and request.prompt_tokens:
        word = f"reading {request.read_tokens / request.prompt_tokens:.0%}"
    return Cell(word, _TONES[request.state])


def _cached(request: RequestReport) -> str:
    if not request.prompt_tokens or not (request.cached_tokens or request.missed):
        return ""
    return f"{request.cached_tokens / request.prompt_tokens:.0%}"


def _wait(request: RequestReport) -> str:
    """Return how long it waited for its turn; of one that still waits, how long that may take."""
    if request.estimated_wait is not None:
        return f"~{amounts.seconds(request.estimated_wait)}"
    return amounts.seconds(request.queued) if request.queued else ""


def _number(number: int) -> str:
    return f"{number:,}" if number else ""


def listed(
    requests: RequestList, *, live_only: bool = False, text: str = ""
) -> list[RequestReport]:
    """Return requests as the table has them: those under way, oldest first, then the latest of
    those that ended. Each word of `text` must stand in the model, client, state, reason or trace.
    """
    ended = [] if live_only else [*reversed(requests.ended)]
    words = text.casefold().split()
    return [one for one in [*requests.live, *ended] if all(_has(one, word) for word in words)]


def _has(request: RequestReport, word: str) -> bool:
    places = (request.model, request.client, request.state, request.reason, request.trace)
    return any(word in place.casefold() for place in places)


def card(request: RequestReport) -> list[Line]:
    """Return all that is known of a request."""
    live = request.state in LIVE
    return told(
        [
            line("request", str(request.id)),
            Line("state", (state(request),)),
            line("why", request.reason, _TONES[request.state]),
            line("model", request.model),
            line("client", printable(request.client)),
            line("trace", printable(request.trace)),
            line("lane", str(request.lane)),
            line("prompt", _tokens(request.prompt_tokens)),
            line("read", _tokens(request.read_tokens) if live else ""),
            line("reused", _tokens(request.cached_tokens) or "nothing" * (not live)),
            line("not reused", printable(request.missed)),
            line("answer", _tokens(request.generated_tokens)),
            line("speed", amounts.rate(speed) if (speed := request.tokens_per_second) else ""),
            line("drafts", _drafts(request)),
            line("1st token", _after(request.first_token)),
            line("may wait" if request.estimated_wait is not None else "waited", _wait(request)),
            line("age" if live else "took", amounts.seconds(request.age)),
        ]
    )


def _tokens(number: int) -> str:
    return f"{number:,} token{'' if number == 1 else 's'}" if number else ""


def _after(seconds: float | None) -> str:
    return "" if seconds is None else f"after {amounts.seconds(seconds)}"


def _drafts(request: RequestReport) -> str:
    if not request.drafted_tokens:
        return ""
    return f"{request.accepted_tokens:,} of {request.drafted_tokens:,} accepted"
