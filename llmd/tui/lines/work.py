"""Downloads, variants being made, and deployments under way."""

from __future__ import annotations

from textual.content import Content

from llmd.protocol import amounts
from llmd.protocol.deployments import Deployment
from llmd.protocol.feed import Snapshot
from llmd.protocol.models import PullProgress
from llmd.protocol.quantization import QuantizeProgress
from llmd.tui import drawing
from llmd.tui.drawing import MUTED, fitted
from llmd.tui.lines.columns import joined

_NAME = 24
_BAR = 24
_PERCENT = 100


def lines(snapshot: Snapshot, width: int) -> list[Content]:
    """Return one line for each piece of work."""
    return [
        *(_pull(pull, width) for pull in snapshot.downloads),
        *(_variant(variant, width) for variant in snapshot.quantizations),
        *(_deployment(job, width) for job in snapshot.deployments),
    ]


def _pull(pull: PullProgress, width: int) -> Content:
    left = f"{amounts.duration(pull.remaining)} left" if pull.remaining is not None else ""
    speed = f"{amounts.size(pull.rate)}/s" if pull.rate else ""
    told = [_amount(pull.done, pull.total), speed, left, pull.note]
    status = "" if pull.status == "downloading" else pull.status
    return _line("pull", pull.name, amounts.share(pull.done, pull.total), [status, *told], width)


def _variant(made: QuantizeProgress, width: int) -> Content:
    told = [made.status, _amount(made.done, made.total)]
    if made.tensors:
        told.append(f"tensor {made.tensor} of {made.tensors}")
    return _line("make", made.name, amounts.share(made.done, made.total), told, width)


def _deployment(job: Deployment, width: int) -> Content:
    told = [job.current_stage.replace("_", " ")]
    return _line("deploy", job.model_id, job.progress / _PERCENT, told, width)


def _amount(done: int, total: int) -> str:
    return f"{amounts.size(done)} of {amounts.size(total)}" if total else ""


def _line(verb: str, name: str, share: float, told: list[str], width: int) -> Content:
    name_width = min(_NAME, max(8, width // 4))
    bar_width = min(_BAR, max(6, width // 5))
    return Content.assemble(
        (verb.ljust(7), MUTED),
        fitted(name, name_width),
        " ",
        drawing.bar(share, bar_width, "$accent"),
        f" {share:4.0%} ",
        joined(told),
    ).truncate(width, ellipsis=True)
