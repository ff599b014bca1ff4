"""Reasoning: how models mark it, how templates switch it, and where it ends.

A template can leave the block open at the end of the prompt, so that the answer begins inside it;
whether it did is read from the rendered prompt. One that knows no switch is closed by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from llmd.chat.scanning import Parsing, Scanner, Sink
from llmd.protocol.requests import Reasoning

_LOWEST_EFFORT = "low"


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a model marks its reasoning."""

    opening: str
    closing: str
    around: str = "\n"
    """What stands between the marks and the text when a block is closed by hand."""
    always: bool = False
    """Whether every answer begins with reasoning unless the prompt prevents it."""
    instead: bool = False
    """Whether an answer without reasoning begins with the mark that closes it."""

    def opened(self, prompt: str) -> str:
        """Return the end of a prompt from where it opens reasoning on; "" when it does not end
        inside such.
        """
        bare = prompt.rstrip()
        return prompt[len(bare) - len(self.opening) :] if bare.endswith(self.opening) else ""

    def closed(self, prompt: str) -> str:
        """Return a prompt after which no reasoning follows."""
        if self.always or prompt.rstrip().endswith(self.closing):
            return prompt
        if not self.opened(prompt):
            prompt += self.opening + self.around
        return f"{prompt}{self.around}{self.closing}{self.around * 2}"


THINK = Thinking("<think>", "</think>")
SEED = Thinking("<seed:think>", "</seed:think>")
MISTRAL = Thinking("[THINK]", "[/THINK]", around="")
COMMAND_R = Thinking("<|START_THINKING|>", "<|END_THINKING|>", around="")
MINIMAX = Thinking("<mm:think>", "</mm:think>", around="", instead=True)
GEMMA = Thinking("<|channel>thought", "<channel|>", around="")
APRIEL = Thinking("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]")
APERTUS = Thinking("<|inner_prefix|>", "<|inner_suffix|>", around="")
HUNYUAN = Thinking("<think:opensource>", "</think:opensource>", around="")
KIMI_K3 = Thinking("<|open|>think<|sep|>", "<|close|>think<|sep|>", around="")
SOLAR = Thinking("<|think|>", "<|end|>", around="")
HARMONY = Thinking("<|channel|>analysis<|message|>", "<|end|>", around="", always=True)
MUSE = Thinking(" to=self<|message|>", "<|eom|>", around="", always=True)

# by what a template says; `<think>` is last, since others mention it in passing
_BY_MARK = (
    ("<seed:think>", SEED),
    ("[BEGIN FINAL RESPONSE]", APRIEL),
    ("[THINK]", MISTRAL),
    ("<|START_THINKING|>", COMMAND_R),
    ("<|inner_prefix|>", APERTUS),
    (":opensource", HUNYUAN),
    ("<|end_of_msg|>", KIMI_K3),
    ("<|begin|>assistant<|think|>", SOLAR),
    ("<mm:think>", MINIMAX),
    ("<|channel>", GEMMA),
    ("<|channel|>", HARMONY),
    ("<atem:function_calls>", MUSE),
    ("<think>", THINK),
    ("</think>", THINK),
)
_SWITCHES = ("enable_thinking", "thinking")
_EFFORTS = ("reasoning_effort", "reasoning_strength")
_MODES = {True: "enabled", False: "disabled"}


def find_thinking(source: str) -> Thinking | None:
    """Return how the model of a template marks reasoning; None when the template does not say."""
    return next((thinking for mark, thinking in _BY_MARK if mark in source), None)


def thinking_of(is_token: Callable[[str], bool]) -> Thinking | None:
    """Return how a model marks reasoning that only its vocabulary tells of; `is_token` knows
    that.
    """
    return THINK if is_token(THINK.opening) and is_token(THINK.closing) else None


def switches(variables: Collection[str], wanted: Reasoning) -> dict[str, Any]:
    """Return what turns reasoning on or off, as far as a template of these variables knows any
    such.
    """
    known: dict[str, Any] = {
        name: wanted.enabled
        for name in _SWITCHES
        if wanted.enabled is not None and name in variables
    }
    if wanted.enabled is not None and "thinking_mode" in variables:
        known["thinking_mode"] = _MODES[wanted.enabled]
    budget = 0 if wanted.enabled is False else wanted.budget
    if budget is not None and "thinking_budget" in variables:
        known["thinking_budget"] = budget
    if wanted.enabled is False and not known:
        known = {name: _LOWEST_EFFORT for name in _EFFORTS if name in variables}
    return known


def efforts(variables: Collection[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return how hard to think, which `arguments` for a template call `reasoning_effort`, by the
    other names that a template of these variables knows it by.
    """
    asked = arguments.get(_EFFORTS[0])
    return {} if asked is None else {name: asked for name in _EFFORTS[1:] if name in variables}


def read_reasoning(
    scan: Scanner, thinking: Thinking, *, opened: str, interrupts: tuple[str, ...] = ()
) -> Parsing[None]:
    """Read the reasoning that an answer begins with, if it does, or that the prompt has `opened`;
    one of `interrupts` ends it too, and is left to be read.
    """
    scan.mark()
    if not opened:
        yield from scan.space()
        marks = (thinking.opening, thinking.closing)[: 1 + thinking.instead]
        mark = yield from scan.literal(*marks)
        if not mark:
            scan.back()
            return
        if mark == thinking.closing:
            scan.markup(scan.forget())
            if scan.separate:
                yield from scan.space()
            return
    scan.markup(scan.forget() or opened)
    found = yield from thoughts(scan, (thinking.closing, *interrupts))
    if found in interrupts:
        scan.unread(str(found))
    elif found and scan.separate:
        yield from scan.space()


def thoughts(scan: Scanner, closings: tuple[str, ...]) -> Parsing[str | None]:
    """Read reasoning up to one of `closings`; return that, or None when the text ends first."""
    scan.thinking = True
    sink = _Stripped(scan.think) if scan.separate else scan.think
    found = yield from scan.through(closings, sink)
    scan.thinking = False
    scan.markup(found if found == closings[0] else "")
    return found


class _Stripped:
    """Passes text on without the white space at both ends."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._space = ""
        self._begun = False

    def __call__(self, text: str) -> None:
        text = self._space + text if self._begun else text.lstrip()
        body = text.rstrip()
        self._begun = self._begun or bool(body)
        self._space = text[len(body) :]
        self._sink(body)
