"""What can be ordered, and how an order stands. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from llmd.errors import LlmdError
from llmd.protocol import amounts
from llmd.protocol.integrity import ModelHealth, Verified, VerifyProgress
from llmd.protocol.models import LoadProgress, ModelManifest, PullProgress
from llmd.protocol.placement import LoadOptions
from llmd.protocol.quantization import QuantizeProgress, Recipe

Event = (
    PullProgress
    | QuantizeProgress
    | LoadProgress
    | VerifyProgress
    | ModelManifest
    | ModelHealth
    | Verified
)
"""What the services say while they are at it."""


class PullOrder(msgspec.Struct, frozen=True, kw_only=True, tag="pull"):
    """Fetch a model."""

    model: str
    """As `llmd pull` takes it."""
    limit: int | None = None
    """Bytes per second; 0: no limit; None: as it is."""
    now: bool = False
    """Whether it does not wait for the hours of downloads."""


class QuantizeOrder(msgspec.Struct, frozen=True, kw_only=True, tag="quantize"):
    """Make a smaller variant."""

    model: str
    recipe: Recipe
    name: str = ""
    """Of the new model; empty: the usual one."""


class LoadOrder(msgspec.Struct, frozen=True, kw_only=True, tag="load"):
    """Load a model."""

    model: str
    options: LoadOptions = LoadOptions()


class CheckOrder(msgspec.Struct, frozen=True, kw_only=True, tag="check"):
    """Read a model whole and see whether it is sound."""

    model: str
    repair: bool = False


Order = PullOrder | QuantizeOrder | LoadOrder | CheckOrder


class Stage(StrEnum):
    """How a job stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """By somebody."""
    LEFT = "left"
    """The daemon that was at it ended."""
    FAILED = "failed"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed."""

    code: str
    message: str
    hint: str = ""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One order and how it stands; sizes in bytes, moments in seconds since the epoch."""

    id: str
    order: Order
    stage: Stage = Stage.RUNNING
    begun: float
    ended: float = 0.0
    status: str = ""
    """The service's word for what it does."""
    name: str = ""
    """What the model it is about is called, or will be."""
    done: int = 0
    total: int = 0
    fraction: float | None = None
    """Share that is done, where bytes do not tell it."""
    rate: float = 0.0
    remaining: float | None = None
    waiting_until: float | None = None
    note: str = ""
    made: str = ""
    """Name of the model that came of it."""
    fault: Fault | None = None

    @property
    def work(self) -> str:
        """Return what is done: `pull`, `quantize`, `load` or `check`."""
        return str(type(self.order).__struct_config__.tag)

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.stage is Stage.RUNNING

    @property
    def resumable(self) -> bool:
        """Whether it can be begun again."""
        return self.stage in {Stage.STOPPED, Stage.LEFT, Stage.FAILED}

    @property
    def lasting(self) -> bool:
        """Whether it stays until somebody dismisses it."""
        paused = self.stage is Stage.STOPPED and self.work == "pull"
        return paused or self.stage in {Stage.FAILED, Stage.LEFT}

    @property
    def share(self) -> float:
        """Return how much of it is done, between 0 and 1."""
        if self.stage is Stage.DONE:
            return 1.0
        return amounts.share(self.done, self.total) if self.fraction is None else self.fraction


def advanced(job: Job, event: Event) -> Job:
    """Return a job after its service said something."""
    replace = msgspec.structs.replace
    match event:
        case LoadProgress():
            return replace(job, status=event.status, fraction=event.fraction)
        case ModelManifest():
            return replace(job, status="done", made=event.name)
        case ModelHealth():
            return job if event.sound else replace(job, fault=_damage(event))
        case Verified():
            return replace(job, status="done")
        case VerifyProgress() | QuantizeProgress():
            return replace(
                job,
                status=event.status,
                name=job.name if isinstance(event, VerifyProgress) else event.name,
                done=event.done,
                total=event.total,
                rate=event.rate,
                remaining=_left(event.done, event.total, event.rate),
            )
    return replace(
        job,
        status=event.status,
        name=event.name,
        done=event.done,
        total=event.total,
        rate=event.rate,
        remaining=event.remaining,
        waiting_until=event.waiting_until,
        note=event.note,
    )


def fault(error: LlmdError) -> Fault:
    """Return an error as a job keeps it."""
    return Fault(code=error.code, message=error.message, hint=error.hint)


def _damage(health: ModelHealth) -> Fault:
    reasons = [f"{file.path}: {file.reason or file.state}" for file in health.files if file.reason]
    return Fault(
        code="corrupt_file",
        message=f"{health.name} is damaged. {' '.join(reasons)}".strip(),
        hint=health.note,
    )


def _left(done: int, total: int, rate: float) -> float | None:
    return (total - done) / rate if rate and total else None
