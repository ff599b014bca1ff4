"""A loop over llama.cpp without any server, as the limit of what a server over it can reach.

The prompts of a wave are read in one call, then each call writes a token of every answer, the
likeliest one. There is nothing else: no connection, no queue, no sampling, no text. What is left is
what kernels take, which no scheduling makes less as long as every prompt is read whole. Its memory
is what malloc gives it, as llama-server's is; llmd asks for huge pages, too.
"""

from __future__ import annotations

import time
from pathlib import Path

from llmd.client.load import Answer, Outcome, Work, prompts
from llmd.engine import bindings
from llmd.engine.bindings import Batch, Context, ContextShape, Model

_BATCH = 2048


class BareLoop:
    """One model, loaded with the threads, sequences and context of the servers."""

    def __init__(self, path: Path, *, sequences: int, context: int, threads: int) -> None:
        bindings.start_backend(lambda _level, _line: None)
        model = Model.load(str(path), gpu_layers=0, progress=lambda _: None)
        assert model
        self._model = model
        shape = ContextShape(
            tokens=context,
            sequences=sequences,
            batch=_BATCH,
            micro_batch=256,
            threads=threads,
            outputs=sequences,
            in_place=True,
        )
        made = Context.create(model, shape)
        assert made
        self._context = made
        self._batch = Batch(_BATCH)

    def run(self, work: Work, seed: int) -> Outcome:
        """Do the same work as a server is asked for; all prompts of a wave must fit in a call."""
        texts = [self._tokens(prompt) for prompt in prompts(work, seed)]
        answers: list[Answer] = []
        started = time.perf_counter()
        for begin in range(0, len(texts), work.concurrency):
            wave = texts[begin : begin + work.concurrency]
            first = self._wave(wave, work.answer)
            answers += [Answer(first=first, tokens=work.answer) for _ in wave]
        return Outcome(work, time.perf_counter() - started, answers)

    def close(self) -> None:
        """Free the context and the weights."""
        self._context.close()
        self._model.close()

    def _tokens(self, prompt: str) -> list[int]:
        turn = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
        return self._model.vocab.tokenize(turn, add_special=False, parse_special=True)

    def _wave(self, texts: list[list[int]], answer: int) -> float:
        """Write all answers; return the seconds until the first tokens were there."""
        started = time.perf_counter()
        self._context.clear()
        count = 0
        for sequence, tokens in enumerate(texts):
            end = self._batch.fill(count, tokens, 0, sequence)
            self._batch.outputs[count:end] = 0
            self._batch.outputs[end - 1] = 1
            count = end
        chosen = self._decode(count, len(texts))
        first = time.perf_counter() - started
        for step in range(answer - 1):
            for sequence, (tokens, token) in enumerate(zip(texts, chosen, strict=True)):
                self._batch.fill(sequence, [token], len(tokens) + step, sequence)
                self._batch.outputs[sequence] = 1
            chosen = self._decode(len(texts), len(texts))
        return first

    def _decode(self, count: int, rows: int) -> list[int]:
        assert self._context.decode(self._batch, count) == 0
        return [int(row.argmax()) for row in self._context.logits(rows)]
