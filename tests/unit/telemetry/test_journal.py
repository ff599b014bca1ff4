from __future__ import annotations

import asyncio

from llmd.telemetry import journal
from llmd.telemetry.journal import Answer


async def test_answers_of_tasks_within_are_noted() -> None:
    async def deep() -> None:
        journal.note(Answer("m", 3, 4, 1.0))

    with journal.keeping() as kept:
        await asyncio.gather(deep(), deep())
    assert (kept.model, kept.prompt_tokens, kept.completion_tokens) == ("m", 6, 8)
    assert len(kept.answers) == 2


def test_requests_do_not_write_into_the_journal_of_others() -> None:
    with journal.keeping() as outer:
        with journal.keeping() as inner:
            journal.note(Answer("m", 1, 1, 1.0))
        assert not outer.answers
        assert inner.answers
    journal.note(Answer("m", 1, 1, 1.0))
    assert not outer.answers


def test_a_thousand_answers_are_summed_and_not_kept() -> None:
    with journal.keeping() as kept:
        for _ in range(1000):
            journal.note(Answer("m", 1, 2, 1.0))
    assert kept.prompt_tokens == 1000
    assert len(kept.answers) == 64
