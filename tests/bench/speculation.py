"""What speculation gains on an edit-this-text task, and costs where there is nothing to gain.

    python -m tests.bench.speculation [--model MODEL.gguf] [--vocab VOCAB.gguf] [--rounds 3]

No model small enough to ship can edit a text. So the model here is one of 0.5b shape with random
weights, which costs what a trained one costs, and a sampler dictates what it says: the text of the
prompt with some words changed, lines left out and lines added, as an editor asks for. Drafting sees
that text as it would see a trained model's. Two more cases run free: greedy answers of random
models fall into loops, which lookup predicts far better than it would predict real prose, so they
show what speculation gains at best.

Every case answers in turn with and without speculation; medians of the rounds are compared.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from llmd.engine.bindings import Floats
from llmd.engine.loading import Opened, open_model
from llmd.engine.sampling import GreedySampler, Sampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream
from llmd.protocol.events import Finished, Usage
from llmd.protocol.frames import Load
from llmd.protocol.requests import Speculation
from tests.fakes.random_model import write_random_model

AIM = 1.6
PROMPT, ANSWER = 700, 400
"""Tokens."""


class Dictated:
    """A sampler that lets the model say one text, whatever its logits are."""

    def __init__(self, text: list[int]) -> None:
        self._text = iter(text)

    def choose(self, row: Floats) -> int:
        """Return the next token of the text; reads the row as a greedy sampler would."""
        row.argmax()
        return next(self._text)

    def close(self) -> None:
        """Nothing to free."""


@dataclass(frozen=True)
class Case:
    """A prompt, the sampler that answers it, and the least gain; None: nothing is promised."""

    name: str
    prompt: list[int]
    sampler: Callable[[], Sampler]
    aim: float | None


def edited(text: list[int], rng: random.Random, every: int) -> list[int]:
    """Return a text with about one token in `every` replaced, left out, or followed by others."""
    result: list[int] = []
    for token in text:
        kind = rng.randrange(3 * every)
        new = [rng.randrange(256) for _ in range(3)]
        result += {0: new[:1], 1: [], 2: [token, *new]}.get(kind, [token])
    return result


def source(opened: Opened) -> list[int]:
    """Return the tokens of a real text: this project's own code."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted(Path(str(files("llmd"))).glob("runtime/*.py"))
    )
    tokens = opened.model.vocab.tokenize(text, add_special=False, parse_special=False)
    return tokens[:PROMPT]


def cases(opened: Opened) -> list[Case]:
    """Return what is measured on a model."""
    rng = random.Random(7)
    text = source(opened)
    other = [rng.randrange(256, 1000) for _ in range(ANSWER)]

    def dictated(answer: list[int]) -> Callable[[], Sampler]:
        return lambda: Dictated(answer)

    return [
        Case("copy it", text, dictated(text), AIM),
        Case("edit it, 1 token in 40", text, dictated(edited(text, rng, 40)), AIM),
        Case("edit it, 1 token in 20", text, dictated(edited(text, rng, 20)), AIM),
        Case("say something else", text, dictated(other), 0.95),
        Case("greedy, whatever comes", text, GreedySampler, None),
    ]


def answer(opened: Opened, case: Case, wish: Speculation, number: int) -> tuple[float, Usage]:
    """Answer once; return tokens per second after the first, and the figures."""
    engine = opened.engine
    assert engine
    limit = min(ANSWER, engine.context_length - len(case.prompt))
    sequence = Sequence(
        id=number,
        tokens=list(case.prompt),
        sampler=case.sampler(),
        text=TextStream(()),
        timing=Timing(time.monotonic()),
        max_tokens=limit,
        ignore_eos=True,
        speculation=wish,
    )
    engine.submit(sequence)
    usage = Usage()
    while not engine.idle:
        for _, event in engine.step():
            if isinstance(event, Finished):
                usage = event.usage
    return (usage.completion_tokens - 1) / usage.decode_seconds, usage


def measure(opened: Opened, rounds: int) -> bool:
    """Print a line for each case; return whether all aims are met."""
    met = True
    for case in cases(opened):
        rates: dict[str, list[float]] = {"off": [], "ngram": []}
        for number in range(rounds):
            for mode, found in rates.items():
                rate, usage = answer(opened, case, Speculation(mode), number)
                found.append(rate)
        plain, drafted = (statistics.median(found) for found in rates.values())
        ratio = drafted / plain
        met &= case.aim is None or ratio >= case.aim
        aim = f" (aim: {case.aim})" if case.aim else ""
        print(
            f"  {case.name:24} {plain:7.1f} -> {drafted:7.1f} tokens/s  {ratio:5.2f} times{aim}"
            f"  {usage.accepted_tokens} of {usage.drafted_tokens} drafted tokens right"
        )
    return met


def opened_model(path: Path, threads: int) -> Opened:
    """Open a model as the daemon would."""
    load = Load(
        path=str(path),
        embedding=False,
        context_length=2048,
        parallel=4,
        kv_tokens=4096,
        kv_type="f16",
        batch=512,
        prefill_chunk=256,
        threads=threads,
        gpu_layers=-1,
        max_queue=4,
        prefixes=8,
    )
    return open_model(load, lambda _: None, lambda *_: None)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a model to use; one of 0.5b shape is made")
    parser.add_argument("--vocab", type=Path, help="a vocabulary-only GGUF for the model made")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    builtin = Path(str(files("llmd") / "assets" / "llmd-tiny-q8_0.gguf"))
    with tempfile.TemporaryDirectory() as folder:
        path = args.model or write_random_model(Path(folder) / "m.gguf", "0.5b", vocab=args.vocab)
        print(f"\n{args.model or '0.5b, random weights'}")
        met = measure(opened_model(path, args.threads), args.rounds)
        print("\nllmd-tiny (its aims are for information: it computes row after row)")
        measure(opened_model(builtin, args.threads), args.rounds)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
