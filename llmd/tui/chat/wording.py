"""How an answer stands, in a line. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llmd.protocol import amounts
from llmd.protocol.models import LoadedModel, ModelState
from llmd.protocol.reports import RequestReport, RequestState
from llmd.tui.chat.turns import Turn, TurnState


def result(turn: Turn) -> str:
    """Return what is told under an answer: how quick it was, and how it ended unless it ended
    well.
    """
    return " · ".join([*_ending(turn), *_speed(turn)])


def _speed(turn: Turn) -> Iterator[str]:
    usage = turn.usage
    timings: dict[str, Any] = usage.get("timings") or {}
    tokens, seconds = usage.get("completion_tokens") or 0, timings.get("decode_seconds") or 0
    if tokens:
        yield f"{tokens} token{'' if tokens == 1 else 's'}"
    if tokens and seconds:
        yield amounts.rate(tokens / seconds)
    if turn.first_token is not None:
        yield f"first after {amounts.seconds(turn.first_token)}"
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    if prompt := usage.get("prompt_tokens") or 0:
        reuse = f", {100 * cached // prompt}% cached" if cached else ""
        yield f"prompt {amounts.count(prompt)}{reuse}"


def _ending(turn: Turn) -> Iterator[str]:
    if turn.state is TurnState.STOPPED:
        yield "stopped"
    elif turn.state is TurnState.BROKEN:
        yield "broke off"
    elif turn.finish_reason == "length":
        yield "cut: the most tokens are reached"
    if dropped := turn.usage.get("dropped_tokens"):
        yield f"{dropped} tokens of the oldest messages were dropped"


def waiting(
    report: RequestReport | None, loaded: Sequence[LoadedModel], model: str, seconds: float
) -> str:
    """Return why nothing comes yet, as far as the feed tells, or how quickly it comes."""
    found = next((one for one in loaded if one.name == model), None)
    told = _loading(found) or (_place(report) if report else "") or "waiting"
    return f"{told} · {amounts.duration(seconds)}" if seconds >= 1 else told


def _loading(model: LoadedModel | None) -> str:
    if model and model.state is ModelState.LOADING:
        return f"loading {model.name} {model.progress:.0%}"
    if model and model.state is ModelState.WAITING:
        return f"waiting for memory to load {model.name}"
    return ""


def _place(report: RequestReport) -> str:
    if report.state is RequestState.QUEUED:
        ahead = report.position or 0
        place = f"{ahead} ahead in the line" if ahead else "next in the line"
        wait = report.estimated_wait
        return f"{place}, about {amounts.duration(wait)}" if wait and wait >= 1 else place
    if report.state is RequestState.READING and report.prompt_tokens:
        share = report.read_tokens / report.prompt_tokens
        return f"reading {amounts.count(report.prompt_tokens)} tokens {share:.0%}"
    if report.state is RequestState.WRITING:
        speed = report.tokens_per_second
        return f"writing, {amounts.rate(speed)}" if speed else "writing"
    return ""


def heading(turn: Turn) -> str:
    """Return who says it."""
    if turn.role == "assistant":
        return turn.model or "Answer"
    return {"user": "You", "tool": "Result of the tool"}.get(turn.role, turn.role.capitalize())


def excerpt(text: str, longest: int = 60) -> str:
    """Return the beginning of a text in one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"
