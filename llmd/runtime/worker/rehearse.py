"""Tries constraints before a worker sees them: `python -m llmd.runtime.worker.rehearse`.

Schemas and grammars come from anywhere, and there are some on which llguidance overflows its stack
or computes for hours. Here that costs a small process and not a model's worker: the kernel ends it
after a few seconds of processor time, and whoever waits at the other end of the pipe takes the
silence for a refusal. One JSON line comes in for each constraint and one goes out: null, or the
error. The vocabulary is the 256 bytes, which is all that compiling needs.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import sys
from typing import BinaryIO

import msgspec
import numpy as np
from llguidance import LLMatcher, LLTokenizer

from llmd.engine.grammar.compiler import Compiler, limits
from llmd.engine.grammar.matcher import Matcher, first_line, restrict
from llmd.engine.grammar.source import source
from llmd.errors import ConstraintRefused
from llmd.protocol.constraints import Grammar, Proposal

_CPU_SECONDS = 3.0
_MEMORY = 2 * 2**30
_STEPS = 64


def main(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the questions end."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    compiler = Compiler(lambda: LLTokenizer("byte"))
    for line in questions:
        signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS)  # nobody handles it, so it kills
        error = verdict(compiler, msgspec.json.decode(line, type=Proposal))
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(msgspec.json.encode(error.to_wire() if error else None) + b"\n")
        answers.flush()


def verdict(compiler: Compiler, proposal: Proposal) -> ConstraintRefused | None:
    """Return why a constraint is refused; None: it can be enforced."""
    try:
        matcher = compiler.matcher(proposal.constraint, proposal.tool)
    except ConstraintRefused as error:
        if isinstance(proposal.constraint, Grammar) and "special token" in error.message:
            return _without_tokens(proposal.constraint)
        return error
    with contextlib.suppress(ConstraintRefused):  # a dead end is no crash
        _walk(matcher, compiler.tokenizer)
    return None


def _without_tokens(grammar: Grammar) -> ConstraintRefused | None:
    """Judge a grammar that names control tokens, which only a model's vocabulary has."""
    failed, said = LLMatcher.validate_grammar_with_warnings(source(grammar), limits=limits())
    if not failed:
        return None
    reason = first_line(said[0])
    return ConstraintRefused(f"grammar cannot be enforced: {reason}.", param="grammar")


def _walk(matcher: Matcher, tokenizer: LLTokenizer) -> None:
    """Write a little at random: some grammars compile well and overflow the stack afterwards."""
    chance = np.random.default_rng(0)
    for _ in range(_STEPS):
        row = chance.random(tokenizer.vocab_size, np.float32)
        restrict(row, matcher.allowed())
        token = int(row.argmax())
        if token == tokenizer.eos_token:
            return
        matcher.consume(token)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
