"""Joins a chat format with the engine: who reads an answer, and what its tokens must keep to.

Reasoning comes first and is free, but for its budget. Behind it stands the grammar of forced calls,
the form that the request demands of the answer, one of the two where tools need not be called, or
nothing; strict tools get their grammar where a call begins. A call that no grammar vouches for,
where one should, is read as text.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from llmd.chat.reader import AnswerReader, Layout
from llmd.chat.tools.lark import Spelling, outlined
from llmd.chat.tools.offer import Offer
from llmd.engine.bindings import Vocab
from llmd.engine.forcing import (
    BudgetSampler,
    Candidate,
    EndingSampler,
    FollowedSampler,
    ReasoningPlan,
    ReasoningSampler,
    TriggeredSampler,
)
from llmd.engine.grammar.alternatives import Alternatives, Headed
from llmd.engine.grammar.constrained import ConstrainedSampler
from llmd.engine.grammar.gate import TextGate
from llmd.engine.grammar.matcher import Guide, Matcher
from llmd.engine.sampling import Sampler
from llmd.errors import InvalidRequest
from llmd.protocol.constraints import Grammar
from llmd.protocol.requests import ChatPrompt

if TYPE_CHECKING:
    from llmd.engine.grammar.compiler import Compiler

_FORCED = ("required", "named")
_KEPT = 32

Use = Literal["forced", "triggered", "beside"]
"""What a grammar of calls is for: an answer that must be calls, one that may come to them, one that
is calls or the form that the request demands.
"""


def new_call_id() -> str:
    """Return an id for a call, unlike any other."""
    return f"call_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True)
class Course:
    """What steers one answer."""

    layout: Layout
    reader: AnswerReader
    forced: Guide | None = None
    """What the answer must keep to."""
    triggered: Matcher | None = None
    """The grammar of calls, where one begins."""
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

    def course(self, prompt: ChatPrompt, layout: Layout, demanded: Matcher | None = None) -> Course:
        """Return what steers the answer to a prompt; `demanded` is the form that the request asks
        of the answer. Raise InvalidRequest when its tools cannot be enforced.
        """
        use = _use(prompt, layout, demanded)
        calls = self._calls(layout, use) if use else None
        reader = self._reader(layout, use, calls)
        budget = prompt.reasoning.budget if layout.thinking else None
        if use == "triggered":
            return Course(layout, reader, triggered=calls, budget=budget)
        forced: Guide | None = calls
        if demanded and use != "forced":
            forced = Headed(self._tokens(layout.form.answer), demanded)
            forced = Alternatives(calls, forced, lambda: reader.called) if calls else forced
        return Course(layout, reader, forced, budget=budget)

    def sampler(self, base: Sampler, course: Course) -> Sampler:
        """Return `base` wrapped in what keeps to a course."""
        free = self._budgeted(base, course)
        after = self._behind_reasoning(base, course)
        if not course.forced and not course.triggered:
            sampler = free
        elif course.layout.thinking:
            sampler = ReasoningSampler(free, after, self._vocab, self._plan(course), course.forced)
        else:
            sampler = after
        if not course.layout.parallel and course.layout.offer.tools and not course.forced:
            return EndingSampler(sampler, lambda: course.reader.ended, min(self._vocab.end_tokens))
        return sampler

    def _reader(self, layout: Layout, use: Use | None, calls: Matcher | None) -> AnswerReader:
        """Return a reader that takes no call, or where calls are free none of a strict tool, that
        their grammar does not follow.
        """

        def permits(name: str) -> bool:
            free = use == "triggered" and not layout.offer.tool(name).strict
            return calls is None or calls.following or free

        return AnswerReader(layout, self._shown(layout.markers), new_call_id, permits)

    def _behind_reasoning(self, base: Sampler, course: Course) -> Sampler:
        if course.forced:
            return ConstrainedSampler(base, course.forced, self._vocab)
        if not course.triggered:
            return base
        form, calls, reader = course.layout.form, course.triggered, course.reader
        constrained = ConstrainedSampler(base, calls, self._vocab)
        openings = form.openings(course.layout.offer)
        if form.bare:
            candidate = Candidate(self._vocab, openings, calls)
            return FollowedSampler(base, constrained, candidate, lambda: reader.calls)
        gate = TextGate(openings, form.before)
        return TriggeredSampler(base, constrained, self._vocab, gate, calls)

    def _budgeted(self, base: Sampler, course: Course) -> Sampler:
        thinking, form = course.layout.thinking, course.layout.form
        if course.budget is None or thinking is None:
            return base
        behind = form.resume if course.layout.offer.tools else form.resume + form.answer
        end = f"{thinking.around}{thinking.closing}{thinking.around * 2}{behind}"
        reader = course.reader
        return BudgetSampler(base, lambda: reader.thinking, course.budget, self._tokens(end))

    def _plan(self, course: Course) -> ReasoningPlan:
        layout = course.layout
        thinking, form = layout.thinking, layout.form
        if thinking is None:
            return ReasoningPlan()
        never = {*self._vocab.end_tokens}
        for opening in () if form.bare else form.openings(layout.offer):
            tokens = self._tokens(opening)
            never.update(tokens if len(tokens) == 1 else ())
        return ReasoningPlan(
            closings=(thinking.closing,),
            opened=bool(layout.opened),
            opening=self._tokens(thinking.opening) if layout.reasons else (),
            always=thinking.always and layout.reasons,
            then=self._tokens(thinking.around * 2 + form.resume),
            never=tuple(never),
        )

    def _calls(self, layout: Layout, use: Use) -> Matcher:
        """Return the grammar of calls; raise ConstraintRefused, which names the tool."""
        compiler = self._compiler()
        # an agent sends the same tools with every turn
        key = msgspec.msgpack.encode((layout.offer.tools, layout.form.name, layout.parallel, use))
        text = self._written.pop(key, None) or self._grammar(layout, compiler, use)
        self._written[key] = text
        if len(self._written) > _KEPT:
            self._written.popitem(last=False)
        return compiler.matcher(Grammar(text, "lark"))

    def _grammar(self, layout: Layout, compiler: Compiler, use: Use) -> str:
        form = layout.form
        tools = layout.offer.tools
        if use != "forced":
            tools = tuple(tool if tool.strict else outlined(tool) for tool in tools)
        checked = tuple(
            msgspec.structs.replace(
                tool, parameters=compiler.parameters(tool.parameters, tool.name)
            )
            for tool in tools
        )
        special = {"triggered": form.triggered, "beside": form.beside}
        write = special.get(use) or form.grammar
        return write(Offer(checked), self._spelling(), parallel=layout.parallel)

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


def _use(prompt: ChatPrompt, layout: Layout, demanded: Matcher | None) -> Use | None:
    """Return what a grammar of calls is needed for, if it is; raise InvalidRequest."""
    tools = layout.offer.tools
    if prompt.tool_choice.mode in _FORCED:
        if not tools:
            raise InvalidRequest("There is no such tool to call.", param="tool_choice")
        return "forced"
    if tools and demanded:
        return "beside"
    return "triggered" if any(tool.strict for tool in tools) else None
