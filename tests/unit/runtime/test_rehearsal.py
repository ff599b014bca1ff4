from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest

from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Constraint, Grammar, Json, Proposal, Regex
from llmd.runtime.rehearsal import Rehearsal
from tests.fakes.moments import moment

# the references are followed by recursion, and the stack has an end
CRASHING = Json(
    {
        "$defs": {
            f"a{i}": {"properties": {"x": {"$ref": f"#/$defs/a{i + 1}"}}} for i in range(1500)
        }
        | {"a1500": {}},
        "$ref": "#/$defs/a0",
    }
)
# every pattern is intersected with all the others
ENDLESS = Json({"allOf": [{"pattern": f"{chr(97 + i % 26)}.*{i}"} for i in range(400)]})


@pytest.fixture
async def rehearsal() -> AsyncIterator[Rehearsal]:
    rehearsal = Rehearsal()
    yield rehearsal
    await rehearsal.close()


async def refused(rehearsal: Rehearsal, constraint: Constraint, tool: str = "") -> str:
    with pytest.raises(ConstraintRefused) as caught:
        await rehearsal.check(Proposal(constraint, tool))
    return str(caught.value)


def process(rehearsal: Rehearsal) -> Any:
    assert rehearsal._process
    return rehearsal._process


async def test_good_passes_and_bad_is_refused_by_one_process(rehearsal: Rehearsal) -> None:
    await rehearsal.check(Proposal(Json()))
    first = process(rehearsal).pid
    assert 'tool "t"' in await refused(rehearsal, Json({"not": {}}), "t")
    await rehearsal.check(Proposal(Regex("中+")))
    assert process(rehearsal).pid == first


async def test_a_verdict_is_remembered(rehearsal: Rehearsal) -> None:
    await rehearsal.check(Proposal(Json()))
    before = await refused(rehearsal, Regex("("))
    await rehearsal.close()
    await rehearsal.check(Proposal(Json()))
    assert await refused(rehearsal, Regex("(")) == before
    assert rehearsal._process is None


@pytest.mark.parametrize("constraint", [CRASHING, ENDLESS], ids=["crash", "endless"])
async def test_what_breaks_the_compiler_is_refused_and_the_next_one_judged(
    rehearsal: Rehearsal, constraint: Json
) -> None:
    assert "too complex" in await refused(rehearsal, constraint)
    await rehearsal.check(Proposal(Regex("a")))


async def test_many_at_once_take_turns_and_ask_once_for_the_same(rehearsal: Rehearsal) -> None:
    same = [rehearsal.check(Proposal(Regex("[a-z]+"))) for _ in range(20)]
    others = [rehearsal.check(Proposal(Regex(f"a{{{i}}}"))) for i in range(1, 20)]
    await asyncio.gather(*same, *others)
    assert len(rehearsal._verdicts) == 20


async def test_whoever_gives_up_waiting_leaves_no_answer_behind(rehearsal: Rehearsal) -> None:
    await rehearsal.check(Proposal(Json()))
    waiting = asyncio.ensure_future(rehearsal.check(Proposal(ENDLESS)))
    await moment(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await rehearsal.check(Proposal(Regex("a")))
    assert "unclosed" in await refused(rehearsal, Regex("("))


async def test_a_process_that_was_killed_meanwhile_is_replaced(rehearsal: Rehearsal) -> None:
    await rehearsal.check(Proposal(Json()))
    process(rehearsal).send_signal(signal.SIGKILL)
    await process(rehearsal).wait()
    await rehearsal.check(Proposal(Regex("a")))


async def test_an_idle_process_ends() -> None:
    rehearsal = Rehearsal(idle=0.05)
    await rehearsal.check(Proposal(Json()))
    child = process(rehearsal)
    await asyncio.wait_for(child.wait(), 20)
    assert rehearsal._process is None
    await rehearsal.check(Proposal(Regex("a")))
    await rehearsal.close()
    assert not psutil.pid_exists(child.pid)


async def test_numbers_that_no_frame_carries_are_refused(rehearsal: Rehearsal) -> None:
    assert "64 bits" in await refused(rehearsal, Json({"minimum": 10**30}))
    assert rehearsal._process is None


async def test_grammars_with_control_tokens_are_judged_without_a_model(
    rehearsal: Rehearsal,
) -> None:
    await rehearsal.check(Proposal(Grammar("root ::= <tool_call> [^<]+ </tool_call>")))
