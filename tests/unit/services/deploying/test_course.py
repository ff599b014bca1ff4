from __future__ import annotations

import msgspec

from llmd.errors import NoRoom
from llmd.protocol.deployments import Deployment, DeploymentOrder, StageName
from llmd.services.deploying import Course
from llmd.services.deploying.course import begun


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def course(clock: Clock) -> Course:
    return Course(begun("m", DeploymentOrder(model_type="m"), "", ["here"], clock()), clock)


def stages(deployment: Deployment) -> dict[str, str]:
    return {str(stage.name): str(stage.status) for stage in deployment.stages}


def test_a_new_deployment_has_done_nothing() -> None:
    made = course(Clock()).deployment
    assert made.id.startswith("deploy-")
    assert len(made.id) == 19
    assert set(stages(made).values()) == {"pending"}
    assert made.progress == 0
    assert made.current_stage == "preparation"


def test_stages_follow_each_other_and_take_their_time() -> None:
    clock = Clock()
    made = course(clock)
    assert made.enter(StageName.PREPARATION)
    clock.now += 10
    assert made.enter(StageName.DOWNLOADING)
    made.advance(StageName.DOWNLOADING, 0.65, 35.0)
    now = made.deployment
    assert stages(now) == {
        "preparation": "completed",
        "downloading_weights": "in_progress",
        "model_initialization": "pending",
        "model_loading": "pending",
        "service_registration": "pending",
    }
    assert now.stages[0].seconds == 10
    assert now.stages[1].seconds is None
    assert now.stages[1].progress == 65
    assert now.estimated_completion == 145.0
    assert now.current_stage == "downloading_weights"
    assert 0 < now.progress < 65


def test_a_stage_that_is_passed_over_is_completed_in_no_time() -> None:
    made = course(Clock())
    made.enter(StageName.PREPARATION)
    made.enter(StageName.LOADING)
    skipped = made.deployment.stages[1]
    assert (skipped.status, skipped.seconds) == ("completed", 0.0)


def test_nothing_goes_back() -> None:
    made = course(Clock())
    made.enter(StageName.LOADING)
    made.advance(StageName.LOADING, 0.5)
    before = made.deployment.progress
    assert not made.enter(StageName.DOWNLOADING)
    assert not made.enter(StageName.LOADING)
    made.advance(StageName.DOWNLOADING, 0.1)
    made.advance(StageName.LOADING, 0.1)
    assert made.deployment.stages[3].progress == 50
    assert made.deployment.progress == before


def test_a_completed_course_is_at_100_percent_and_no_sooner() -> None:
    made = course(Clock())
    made.enter(StageName.REGISTRATION)
    made.advance(StageName.REGISTRATION, 1.0, 0.0)
    assert made.deployment.progress == 99
    assert not made.over
    made.complete()
    done = made.deployment
    assert made.over
    assert done.progress == 100
    assert set(stages(done).values()) == {"completed"}
    assert done.estimated_completion is None


def test_a_failure_says_what_and_where() -> None:
    clock = Clock()
    made = course(clock)
    made.enter(StageName.DOWNLOADING)
    made.advance(StageName.DOWNLOADING, 0.3, 5.0)
    clock.now += 7
    made.fail(NoRoom("No room.", hint="Make some."))
    failed = made.deployment
    assert failed.status == "failed"
    assert failed.error is not None
    assert (failed.error.code, failed.error.hint) == ("no_room", "Make some.")
    assert (failed.stages[1].status, failed.stages[1].seconds) == ("failed", 7)
    assert stages(failed)["model_loading"] == "pending"
    assert (failed.logs[-1].level, failed.logs[-1].message) == ("error", "No room. Make some.")
    assert failed.estimated_completion is None


def test_a_cancelled_course_is_over() -> None:
    made = course(Clock())
    made.enter(StageName.PREPARATION)
    made.cancel()
    assert made.deployment.status == "cancelled"
    assert stages(made.deployment)["preparation"] == "cancelled"


def test_a_course_goes_on_where_it_was_kept() -> None:
    clock = Clock()
    first = course(clock)
    first.enter(StageName.PREPARATION)
    first.enter(StageName.DOWNLOADING)
    first.advance(StageName.DOWNLOADING, 0.4)
    clock.now += 20
    kept = msgspec.json.decode(msgspec.json.encode(first.deployment), type=Deployment)
    clock.now += 1000
    second = Course(kept, clock)
    assert not second.enter(StageName.PREPARATION)
    assert not second.enter(StageName.DOWNLOADING)
    assert second.deployment.progress >= first.deployment.progress
    clock.now += 5
    second.enter(StageName.INITIALIZATION)
    assert second.deployment.stages[1].seconds == 25


def test_only_the_latest_log_lines_stay() -> None:
    clock = Clock()
    made = course(clock)
    for number in range(300):
        clock.now += 1
        made.say(f"{number} " + "字" * 5000)
    logs = made.deployment.logs
    assert len(logs) == 200
    assert logs[-1].message.startswith("299 字")
    assert len(logs[-1].message) == 2000
    assert logs[-1].timestamp == clock.now


def test_news_are_what_is_worth_keeping_at_once() -> None:
    made = course(Clock())
    made.enter(StageName.DOWNLOADING)
    before = made.news
    made.advance(StageName.DOWNLOADING, 0.5, 1.0)
    assert made.news == before
    made.say("x")
    made.rename("y")
    assert made.news == before + 2
    assert made.deployment.model_id == "y"


def test_a_clock_that_goes_back_makes_no_negative_times() -> None:
    clock = Clock()
    made = course(clock)
    made.enter(StageName.PREPARATION)
    clock.now -= 50
    made.complete()
    assert made.deployment.stages[0].seconds == 0
