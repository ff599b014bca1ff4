"""How far one deployment is: its stages, what was logged, how long it may take. No IO; the clock is
passed in.

Stages only go forward. One that a restarted daemon goes through again is not shown as open again,
and the one it was stopped in adds up its attempts.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import msgspec

from llmd.errors import LlmdError
from llmd.protocol.deployments import (
    Deployment,
    DeploymentOrder,
    DeploymentStatus,
    Fault,
    LogLine,
    Stage,
    StageName,
    StageStatus,
)

# what each stage counts in the whole
_SHARES = {
    StageName.PREPARATION: 2,
    StageName.DOWNLOADING: 70,
    StageName.INITIALIZATION: 10,
    StageName.LOADING: 16,
    StageName.REGISTRATION: 2,
}
_ORDER = list(StageName)
_MOST_LOGS = 200
_LONGEST = 2000
_WHOLE = 100
_OPEN = frozenset({StageStatus.PENDING, StageStatus.IN_PROGRESS})

replace = msgspec.structs.replace


def begun(
    model: str, order: DeploymentOrder, user: str, nodes: list[str], now: float
) -> Deployment:
    """Return a new deployment, of which nothing is done."""
    return Deployment(
        id=f"deploy-{uuid.uuid4().hex[:12]}",
        model_id=model,
        status=DeploymentStatus.IN_PROGRESS,
        progress=0,
        current_stage=StageName.PREPARATION,
        stages=[Stage(name=name) for name in _ORDER],
        logs=[],
        nodes=nodes,
        created_at=now,
        updated_at=now,
        order=order,
        user=user,
    )


class Course:
    """One deployment under way."""

    def __init__(self, deployment: Deployment, clock: Callable[[], float]) -> None:
        """Go on from how it was kept."""
        self._now = deployment
        self._clock = clock
        # seconds of the open stage that earlier attempts took
        self._before = self._open.spent
        self._entered = clock()
        self.news = 0
        """Grows with all that is worth keeping at once."""

    @property
    def deployment(self) -> Deployment:
        """How it stands."""
        now = self._clock()
        if self.over:
            return self._now
        stages = list(self._now.stages)
        if self._open.status is StageStatus.IN_PROGRESS:
            stages[self._place] = replace(self._open, spent=self._spent)
        return replace(self._now, stages=stages, progress=self._whole(), updated_at=now)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._now.status is not DeploymentStatus.IN_PROGRESS

    def enter(self, name: StageName) -> bool:
        """Begin a stage, which completes those before it; whether that is news."""
        if self._open.name is name:
            if self._open.status is StageStatus.IN_PROGRESS:
                return False
        elif _ORDER.index(name) < self._place:
            return False
        stages = [
            self._completed(stage) if _ORDER.index(stage.name) < _ORDER.index(name) else stage
            for stage in self._now.stages
        ]
        place = _ORDER.index(name)
        stages[place] = replace(stages[place], status=StageStatus.IN_PROGRESS, progress=0)
        self._now = replace(self._now, stages=stages, current_stage=name)
        self._before, self._entered = 0.0, self._clock()
        self.news += 1
        return True

    def advance(self, name: StageName, share: float, remaining: float | None = None) -> None:
        """Say how much of a stage is done, from 0 to 1, and how many seconds all that is left will
        take.
        """
        if self._open.name is name:
            percent = min(_WHOLE, max(self._open.progress or 0, int(share * _WHOLE)))
            self._set(replace(self._open, progress=percent))
            self.expect(remaining)

    def expect(self, remaining: float | None) -> None:
        """Say how many seconds all that is left will take; None: nobody knows."""
        ends = None if remaining is None else self._clock() + remaining
        self._now = replace(self._now, estimated_completion=ends)

    def say(self, message: str, level: str = "info") -> None:
        """Log something."""
        line = LogLine(timestamp=self._clock(), level=level, message=message[:_LONGEST])
        self._now = replace(self._now, logs=[*self._now.logs, line][-_MOST_LOGS:])
        self.news += 1

    def rename(self, model: str) -> None:
        """Learn what the model is really called."""
        self._now = replace(self._now, model_id=model)
        self.news += 1

    def complete(self) -> None:
        """It is done."""
        stages = [self._completed(stage) for stage in self._now.stages]
        self._end(DeploymentStatus.COMPLETED, stages)

    def fail(self, error: LlmdError) -> None:
        """It could not be done."""
        self.say(str(error), "error")
        fault = Fault(code=error.code, message=error.message, hint=error.hint)
        self._now = replace(self._now, error=fault)
        self._end(DeploymentStatus.FAILED, self._broken_off(StageStatus.FAILED))

    def cancel(self) -> None:
        """Somebody no longer wants it."""
        self.say("Cancelled; what has come is kept for another attempt.", "warning")
        self._end(DeploymentStatus.CANCELLED, self._broken_off(StageStatus.CANCELLED))

    @property
    def _place(self) -> int:
        return _ORDER.index(self._now.current_stage)

    @property
    def _open(self) -> Stage:
        return self._now.stages[self._place]

    @property
    def _spent(self) -> float:
        return self._before + max(0.0, self._clock() - self._entered)

    def _set(self, stage: Stage) -> None:
        stages = list(self._now.stages)
        stages[self._place] = stage
        self._now = replace(self._now, stages=stages)

    def _completed(self, stage: Stage) -> Stage:
        if stage.status not in _OPEN:
            return stage
        spent = self._spent if stage.name is self._open.name else 0.0
        return replace(
            stage, status=StageStatus.COMPLETED, seconds=spent, spent=spent, progress=None
        )

    def _broken_off(self, status: StageStatus) -> list[Stage]:
        stages = list(self._now.stages)
        spent = self._spent
        stages[self._place] = replace(self._open, status=status, seconds=spent, spent=spent)
        return stages

    def _whole(self) -> int:
        parts = (_SHARES[stage.name] * _percent(stage) for stage in self._now.stages)
        # 100 is for one that is completed
        return max(self._now.progress, min(sum(parts) // _WHOLE, _WHOLE - 1))

    def _end(self, status: DeploymentStatus, stages: list[Stage]) -> None:
        self.news += 1
        progress = _WHOLE if status is DeploymentStatus.COMPLETED else self._whole()
        self._now = replace(
            self._now,
            status=status,
            stages=stages,
            progress=progress,
            estimated_completion=None,
            updated_at=self._clock(),
        )


def _percent(stage: Stage) -> int:
    return _WHOLE if stage.status is StageStatus.COMPLETED else stage.progress or 0
