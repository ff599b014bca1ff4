from __future__ import annotations

import pytest

from llmd.cli.measures import Case, Figures, Size, cases, figures, ratio
from llmd.client.load import Answer, Outcome, Work

SIZE = Size(prompt=512, answer=64, concurrency=(1, 8))
WORK = Work(requests=1, concurrency=1, prompt=8, answer=4)
CASE = Case("1 stream", "rate", "tokens/s", WORK)


def outcome(seconds: float, tokens: int, **fields: object) -> Outcome:
    answer = Answer(first=0.5, last=seconds, tokens=tokens, prompt_tokens=10, **fields)  # type: ignore[arg-type]
    return Outcome(WORK, seconds, [answer])


def test_the_cases_cover_reading_writing_streams_and_sharing() -> None:
    made = cases(SIZE, Work)
    assert [case.name for case in made] == [
        "prompt",
        "generation",
        "1 stream",
        "8 streams",
        "shared prefix",
    ]
    works = {case.name: case.work for case in made}
    assert works["prompt"] == Work(requests=1, concurrency=1, prompt=512, answer=1)
    assert works["8 streams"].concurrency == 8
    assert works["8 streams"].requests == 16
    assert works["shared prefix"] == Work(
        requests=16, concurrency=8, prompt=32, answer=16, shared=512
    )
    assert all(hasattr(outcome(1, 4), case.figure) for case in made)


def test_small_sizes_still_make_work() -> None:
    for case in cases(Size(prompt=16, answer=2, concurrency=(1,)), Work):
        assert case.work.prompt > 0
        assert case.work.answer > 0


def test_figures_are_medians_of_the_rounds() -> None:
    found = figures(CASE, [outcome(1.0, 4), outcome(2.0, 4), outcome(4.0, 4)])
    assert (found.value, found.first_token, found.seconds) == (2.0, 0.5, 2.0)
    assert (found.errors, found.short, found.prompt_tokens) == (0, 0, 10)


def test_failed_and_short_answers_are_counted() -> None:
    found = figures(CASE, [outcome(1.0, 3), outcome(1.0, 0, error="503 busy")])
    assert (found.errors, found.short, found.error) == (1, 1, "503 busy")


def test_a_round_without_an_answer_has_no_first_token() -> None:
    found = figures(Case("prompt", "prompt_rate", "tokens/s", WORK), [outcome(1, 0, error="x")])
    assert found.value is None
    assert found.first_token is None


def speed(value: float | None) -> Figures:
    return Figures(value, 0.1, 1.0, 1, 0.0, 0, 0)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [(30.0, 20.0, 1.5), (10.0, 20.0, 0.5), (10.0, 0.0, None), (None, 2.0, None), (1.0, None, None)],
)
def test_a_ratio_above_one_means_that_we_are_quicker(
    ours: float | None, theirs: float | None, expected: float | None
) -> None:
    assert ratio(speed(ours), speed(theirs)) == expected
