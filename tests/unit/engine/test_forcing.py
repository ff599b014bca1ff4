from __future__ import annotations

from collections.abc import Callable

import numpy as np

from llmd.engine.bindings import Floats
from llmd.engine.forcing import (
    BudgetSampler,
    Candidate,
    EndingSampler,
    FollowedSampler,
    ReasoningPlan,
    ReasoningSampler,
    TriggeredSampler,
)
from llmd.engine.grammar.gate import TextGate
from llmd.engine.sampling import GreedySampler, Sampler
from llmd.errors import ConstraintRefused

END = 0


class Letters:
    """A vocabulary whose tokens are characters; 0 ends an answer."""

    end_tokens = frozenset({END})

    def piece(self, token: int, *, special: bool = False) -> bytes:
        return chr(token).encode() if token else b""


class Recorder(GreedySampler):
    """Greedy, and remembers what counted as part of the text."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = ""
        self.closed = 0

    def choose(self, row: Floats) -> int:
        token = super().choose(row)
        self.seen += chr(token)
        return token

    def accept(self, token: int) -> None:
        self.seen += chr(token)

    def close(self) -> None:
        self.closed += 1


class Shout:
    """Stands for a grammar: whatever the model wants, in capitals."""

    def __init__(self, inner: Recorder) -> None:
        self._inner = inner
        self.consumed: list[object] = []

    def choose(self, row: Floats) -> int:
        token = ord(chr(int(row.argmax())).upper())
        self._inner.accept(token)
        return token

    def accept(self, token: int) -> None:
        self._inner.accept(token)

    def close(self) -> None:
        self._inner.close()

    def consume(self, token: int) -> None:
        self.consumed.append(token)

    def consume_text(self, text: bytes) -> None:
        self.consumed.append(text)


def ids(text: str) -> tuple[int, ...]:
    return tuple(map(ord, text))


def say(sampler: Sampler, wish: str | Callable[[str], str]) -> str:
    """Let the model wish for one character after the other; return what is chosen."""
    said = ""
    for place in range(40):
        wanted = wish[place] if isinstance(wish, str) and place < len(wish) else "\0"
        row = np.zeros(128, np.float32)
        row[ord(wanted if isinstance(wish, str) else wish(said))] = 1
        token = sampler.choose(row)
        if token == END:
            break
        said += chr(token)
    return said


def reasoning(**plan: object) -> tuple[ReasoningSampler, Recorder, Shout]:
    free = Recorder()
    shout = Shout(free)
    made = ReasoningPlan(closings=("</t>",), never=(END,), **plan)  # type: ignore[arg-type]
    return ReasoningSampler(free, shout, Letters(), made, shout), free, shout


def test_an_answer_that_begins_inside_reasoning_is_free_until_its_end() -> None:
    sampler, free, _ = reasoning(opened=True)
    assert say(sampler, "hm</t>yes") == "hm</t>YES"
    assert free.seen == "hm</t>YES\0"


def test_the_model_may_want_to_reason_or_not() -> None:
    wishes = {"opening": ids("<t>"), "then": ids("\n")}
    assert say(reasoning(**wishes)[0], "<..hm</t>.yes") == "<t>hm</t>\nYES"
    assert say(reasoning(**wishes)[0], ".yes") == ".YES"
    assert say(reasoning(always=True, **wishes)[0], "...hm</t>.yes") == "<t>hm</t>\nYES"


def test_an_answer_cannot_end_while_the_model_reasons() -> None:
    def wish(said: str) -> str:
        return "\0" if len(said) < 5 or "</t>" in said else "</t>"[len(said) - 5]

    sampler, _, _ = reasoning(opened=True)
    # the end is forbidden, so what is likeliest apart from it comes
    assert say(sampler, wish) == "\x01" * 5 + "</t>"


def test_what_stands_behind_the_mark_in_its_token_belongs_to_the_grammar() -> None:
    class Pairs(Letters):
        def piece(self, token: int, *, special: bool = False) -> bytes:
            return b"</t> \n{" if token == 1 else super().piece(token)

    free = Recorder()
    shout = Shout(free)
    sampler = ReasoningSampler(
        free, shout, Pairs(), ReasoningPlan(closings=("</t>",), opened=True), shout
    )
    assert say(sampler, "\x01a") == "\x01A"
    assert shout.consumed == [b"{"]


def test_tokens_that_others_chose_are_followed() -> None:
    sampler, free, _ = reasoning(opening=ids("<t>"), then=ids("\n"))
    for token in ids("<t>hm</t>\n"):
        sampler.accept(token)
    assert say(sampler, "yes") == "YES"
    assert free.seen == "<t>hm</t>\nYES\0"
    without, _, _ = reasoning(opening=ids("<t>"))
    without.accept(ord("x"))
    assert say(without, "yes") == "YES"


def test_samplers_close_what_they_share_once() -> None:
    sampler, free, _ = reasoning()
    sampler.close()
    assert free.closed == 1


def budgeted(budget: int) -> tuple[BudgetSampler, Recorder, list[bool]]:
    free, thinking = Recorder(), [True]
    return BudgetSampler(free, lambda: thinking[0], budget, ids("</t>")), free, thinking


def test_reasoning_ends_when_its_budget_is_used_up() -> None:
    for budget, said in ((0, "</t>"), (3, "hmm</t>")):
        sampler, free, _ = budgeted(budget)
        assert say(sampler, "hmmmmmmmmm").startswith(said)
        # what follows is the model's again, though it may not have noticed
        assert say(sampler, "yes") == "yes"
        assert free.seen.startswith(said)


def test_reasoning_within_its_budget_is_left_alone() -> None:
    sampler, _, thinking = budgeted(5)
    assert say(sampler, "hm") == "hm"
    thinking[0] = False
    assert say(sampler, "a long answer") == "a long answer"


def test_budgets_count_tokens_that_others_chose() -> None:
    sampler, _, _ = budgeted(2)
    sampler.accept(ord("h"))
    assert say(sampler, "mmmmm") == "m</t>"


def triggered(*triggers: str, before: str = "") -> tuple[TriggeredSampler, Recorder, Shout]:
    free = Recorder()
    shout = Shout(free)
    gate = TextGate(triggers, before)
    return TriggeredSampler(free, shout, Letters(), gate, shout), free, shout


def test_a_grammar_begins_where_its_first_text_appears() -> None:
    sampler, _, shout = triggered("<c>")
    assert say(sampler, "a <b> <c>call") == "a <b> <c>CALL"
    assert shout.consumed == [b"<c>"]


def test_a_trigger_that_is_a_token_is_consumed_as_such() -> None:
    sampler, _, shout = triggered("#")
    assert say(sampler, "a#b") == "a#B"
    assert shout.consumed == [ord("#")]


def test_an_answer_without_the_trigger_is_free_and_may_end() -> None:
    sampler, free, shout = triggered("<c>")
    assert say(sampler, "plain") == "plain"
    assert shout.consumed == []
    for token in ids("<c>"):
        sampler.accept(token)
    sampler.accept(ord("x"))
    assert free.seen == "plain\0<c>x"
    sampler.close()
    assert free.closed == 1


def test_the_first_of_several_triggers_counts() -> None:
    sampler, _, shout = triggered("<c>", "[c]")
    assert say(sampler, "a [c]all <c>") == "a [c]ALL <C>"
    assert shout.consumed == [b"[c]"]


def test_a_trigger_may_begin_in_the_prompt() -> None:
    sampler, _, shout = triggered(">>>f\n", before=">>>")
    assert say(sampler, "f\nx") == "f\nX"
    assert shout.consumed == [b">>>f\n"]


class Spelled(Shout):
    """Stands for the grammar of `{call...`, perhaps behind `#`."""

    def __init__(self, inner: Recorder) -> None:
        super().__init__(inner)
        self.text = ""

    def consume(self, token: int) -> None:
        self.consume_text(bytes([token]))

    def consume_text(self, text: bytes) -> None:
        self.text += text.decode()
        if not "{call:".startswith(self.text.removeprefix("#")[:6]):
            raise ConstraintRefused("It does not fit.")

    def restart(self) -> None:
        self.text = ""


def followed() -> tuple[FollowedSampler, Recorder]:
    free = Recorder()
    shout = Spelled(free)

    def calls() -> int:
        return free.seen.count("call:")

    candidate = Candidate(Letters(), ["#", "<c>"], shout)
    return FollowedSampler(free, shout, candidate, calls), free


def test_a_grammar_takes_over_where_what_it_followed_is_a_call() -> None:
    for wish, said in (
        ("{call:f", "{call:F"),
        ("#{call:f", "#{call:F"),
        ("so #{call:f", "so #{call:F"),
        ("a # b #{call:f", "a # b #{call:F"),
    ):
        assert say(followed()[0], wish) == said


def test_what_is_no_call_or_begins_elsewhere_stays_free() -> None:
    for wish in ("{a:f", "so {call:f", "#{a:f", "<c>{call:f", "<c>#x{call:f"):
        assert say(followed()[0], wish) == wish


def test_a_call_in_another_spelling_does_not_make_the_next_text_one() -> None:
    assert say(followed()[0], "- call:f #x") == "- call:f #x"


def test_a_followed_answer_counts_tokens_that_others_chose() -> None:
    sampler, free = followed()
    for token in ids("{call:f"):
        sampler.accept(token)
    assert say(sampler, "x") == "X"
    assert free.seen == "{call:fX\0"
    sampler.close()
    assert free.closed == 1


def test_an_answer_ends_as_soon_as_it_holds_all_it_may() -> None:
    free = Recorder()
    sampler = EndingSampler(free, lambda: len(free.seen) >= 3, END)
    assert say(sampler, "abcdef") == "abc"
    sampler.accept(ord("x"))
    assert free.seen == "abcx"
    sampler.close()
    assert free.closed == 1
