"""The requests under way, in few words."""

from __future__ import annotations

from textual.content import Content

from llmd.protocol import amounts
from llmd.protocol.feed import Snapshot
from llmd.protocol.reports import RequestReport, RequestState
from llmd.tui import request_rows
from llmd.tui.drawing import MUTED, fitted

_MOST = 12
_STATE = 13
_FIGURE = 12
_LONGEST = 40
_ROOMY = 90
"""Width from which the prompt is told as well."""


def lines(snapshot: Snapshot, width: int) -> list[Content]:
    """Return a line for each of the first requests, those at work before those that wait, and how
    many there are beside them.
    """
    live = sorted(snapshot.requests.live, key=_turn)
    shown = [_line(request, width) for request in live[:_MOST]]
    more = len(live) - _MOST
    if more > 0:
        shown.append(Content.styled(f"and {more} more", MUTED))
    return shown


def _turn(request: RequestReport) -> tuple[bool, int, int]:
    waits = request.state in {RequestState.QUEUED, RequestState.PREPARING}
    return waits, request.position or 0, request.id


def _line(request: RequestReport, width: int) -> Content:
    state = request_rows.state(request)
    speed = amounts.rate(request.tokens_per_second) if request.tokens_per_second else ""
    written = f"{amounts.count(request.generated_tokens)} written"
    told = [written if request.generated_tokens else "", speed]
    if width >= _ROOMY:
        told.insert(0, f"{amounts.count(request.prompt_tokens)} read" * bool(request.read_tokens))
    names = (width - _STATE - 1 - len(told) * (_FIGURE + 1) - 1) // 2
    name = min(_LONGEST, max(8, names))
    return Content(" ").join(
        [
            fitted(Content.styled(state.text, f"$text-{state.tone}"), _STATE),
            fitted(request.model, name),
            fitted(request_rows.printable(request.client), name),
            *(fitted(words, _FIGURE) for words in told),
        ]
    )
