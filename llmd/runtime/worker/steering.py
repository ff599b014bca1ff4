"""Joins a chat format with the engine: who reads an answer, and what its tokens must keep to.

Reasoning comes first and is free, but for its budget. Behind it stands the grammar of forced calls,
the form that the request demands of the answer, or nothing; strict tools that need not be called
get their grammar where a call begins.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from llmd.chat.reader import AnswerReader, Layout
from llmd.chat.tools.lark import Spelling, or_plain
from llmd.chat.tools.offer import Offer
from llmd.engine.bindings import Vocab
from llmd.engine.forcing import (
    BudgetSampler,
    EndingSampler,
    ForkedSampler,
    ReasoningPlan,
    ReasoningSampler,
    TriggeredSampler,
)
from llmd.engine.grammar.constrained import ConstrainedSampler
from llmd.engine.grammar.matcher import Matcher
from llmd.engine.sampling import Sampler
from llmd.errors import InvalidRequest
from llmd.protocol.constraints import Grammar
from llmd.protocol.requests import ChatPrompt

if TYPE_CHECKING:
    from llmd.engine.grammar.compiler import Compiler

_FORCED = ("required", "named")
_KEPT = 32


def new_call_id() -> str:
    """Return an id for a call, unlike any other."""
    return f"call_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True)
class Course:
    """What steers one answer."""

    layout: Layout
    reader: AnswerReader
    forced: Matcher | None = None
    """The grammar of calls that the answer must be."""
    triggered: Matcher | None = None
    """The grammar of calls, from the format's trigger on."""
    budget: int | None = None


class Steering:
    """Steers the answers of one model; runs in the preparer thread."""

    def __init__(self, vocab: Vocab, compiler: Callable[[], Compiler]) -> None:
        """Call `compiler` when the first grammar is needed."""
        self._vocab = vocab
        self._compiler = compiler
        self._visible: dict[tuple[str, ...], frozenset[int]] = {}
        self._written: OrderedDict[bytes, str] = OrderedDict()
        """Grammars of the latest offers; each took checking every tool."""

    def course(self, prompt: ChatPrompt, layout: Layout) -> Course:
        """Return what steers the answer to a prompt; raise InvalidRequest when its tools cannot be
        enforced.
        """
        choice = prompt.tool_choice
        reader = AnswerReader(layout, self._shown(layout.markers), new_call_id)
        budget = prompt.reasoning.budget if layout.thinking else None
        if choice.mode in _FORCED:
            if not layout.offer.tools:
                raise InvalidRequest("There is no such tool to call.", param="tool_choice")
            return Course(layout, reader, forced=self._calls(layout, forced=True), budget=budget)
        if not any(tool.strict for tool in layout.offer.tools):
            return Course(layout, reader, budget=budget)
        grammar = self._calls(layout, forced=False)
        if not layout.form.trigger:
            return Course(layout, reader, forced=grammar, budget=budget)
        return Course(layout, reader, triggered=grammar, budget=budget)

    def sampler(self, base: Sampler, course: Course, demanded: Matcher | None) -> Sampler:
        """Return `base` wrapped in what keeps to a course; `demanded` is the form of the answer
        that the request asks for.
        """
        free = self._budgeted(base, course)
        after = self._behind_reasoning(base, course, demanded)
        follower = course.forced or demanded
        if follower or (course.triggered and course.layout.thinking):
            sampler: Sampler = ReasoningSampler(
                free, after, self._vocab, self._plan(course, demanded), follower
            )
        elif course.triggered:
            sampler = after
        else:
            sampler = free
        if not course.layout.parallel and course.layout.offer.tools and not course.forced:
            return EndingSampler(sampler, lambda: course.reader.ended, min(self._vocab.end_tokens))
        return sampler

    def _behind_reasoning(self, base: Sampler, course: Course, demanded: Matcher | None) -> Sampler:
        if course.forced:
            return ConstrainedSampler(base, course.forced, self._vocab)
        trigger = course.layout.form.trigger
        free = base
        if course.triggered:
            constrained = ConstrainedSampler(base, course.triggered, self._vocab)
            free = TriggeredSampler(base, constrained, self._vocab, trigger, course.triggered)
        if demanded is None:
            return free
        constrained = ConstrainedSampler(base, demanded, self._vocab)
        if not course.layout.offer.tools or not trigger:
            return constrained
        return ForkedSampler(self._tokens(trigger)[0], free, constrained)

    def _budgeted(self, base: Sampler, course: Course) -> Sampler:
        thinking, form = course.layout.thinking, course.layout.form
        if course.budget is None or thinking is None:
            return base
        behind = form.resume if course.layout.offer.tools else form.resume + form.answer
        end = f"{thinking.around}{thinking.closing}{thinking.around * 2}{behind}"
        reader = course.reader
        return BudgetSampler(base, lambda: reader.thinking, course.budget, self._tokens(end))

    def _plan(self, course: Course, demanded: Matcher | None) -> ReasoningPlan:
        layout = course.layout
        thinking, form = layout.thinking, layout.form
        answer = form.answer if demanded and not course.forced else ""
        if thinking is None:
            return ReasoningPlan(instead=self._tokens(answer))
        never = {*self._vocab.end_tokens}
        if (course.forced or course.triggered) and len(self._tokens(form.trigger)) == 1:
            never.update(self._tokens(form.trigger))
        return ReasoningPlan(
            closings=(thinking.closing,),
            opened=bool(layout.opened),
            opening=self._tokens(thinking.opening) if layout.reasons else (),
            always=thinking.always and layout.reasons,
            then=self._tokens(thinking.around * 2 + form.resume + answer),
            instead=self._tokens(answer),
            never=tuple(never),
        )

    def _calls(self, layout: Layout, *, forced: bool) -> Matcher:
        """Return the grammar of calls, or of calls that need not come; raise ConstraintRefused,
        which names the tool.
        """
        compiler = self._compiler()
        # an agent sends the same tools with every turn
        told = (layout.offer.tools, layout.parallel, forced, layout.form.answer)
        key = msgspec.msgpack.encode(told)
        text = self._written.pop(key, None) or self._grammar(layout, compiler, forced=forced)
        self._written[key] = text
        if len(self._written) > _KEPT:
            self._written.popitem(last=False)
        return compiler.matcher(Grammar(text, "lark"))

    def _grammar(self, layout: Layout, compiler: Compiler, *, forced: bool) -> str:
        checked = tuple(
            msgspec.structs.replace(
                tool, parameters=compiler.parameters(tool.parameters, tool.name)
            )
            for tool in layout.offer.tools
        )
        form = layout.form
        write = form.grammar if forced else form.triggered or form.grammar
        text = write(Offer(checked), self._spelling(), parallel=layout.parallel)
        return text if forced or form.trigger else or_plain(text, form.answer)

    def _spelling(self) -> Spelling:
        is_special = self._compiler().tokenizer.is_special_token

        def spell(marker: str) -> str | None:
            tokens = self._tokens(marker)
            return f"<[{tokens[0]}]>" if len(tokens) == 1 and is_special(tokens[0]) else None

        return spell

    def _shown(self, markers: tuple[str, ...]) -> frozenset[int]:
        """Return the control tokens in these texts."""
        if markers not in self._visible:
            tokens = {token for marker in markers for token in self._tokens(marker)}
            hidden = frozenset(token for token in tokens if not self._vocab.piece(token))
            self._visible[markers] = hidden - self._vocab.end_tokens
        return self._visible[markers]

    def _tokens(self, text: str) -> tuple[int, ...]:
        return tuple(self._vocab.tokenize(text, add_special=False, parse_special=True))
