"""A worker without a process: answers what a test tells it to, or dies on command. Passes the
contract tests of the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from llmd.config.settings import PoolSettings
from llmd.errors import WorkerDied
from llmd.protocol.events import (
    Accepted,
    Delta,
    Event,
    Finished,
    FinishReason,
    Queued,
    Reading,
    TokenLogprob,
    Usage,
)
from llmd.protocol.frames import Load, Ready
from llmd.protocol.models import Activity, Kind, ModelManifest
from llmd.protocol.questions import (
    Detokenize,
    Embed,
    Embeddings,
    Question,
    Ranking,
    Rendered,
    Reply,
    Rerank,
    Score,
    Scores,
    Tokenize,
    Tokens,
)
from llmd.protocol.requests import ChatPrompt, GenerateRequest, Prompt, TextPrompt
from llmd.runtime.process import Hooks
from llmd.runtime.supervisor import Cause, death
from llmd.runtime.workers import R

READY = Ready(
    context_length=64,
    parallel=2,
    kv_tokens=128,
    gpu_layers=0,
    device="CPU",
    weights=10,
    kv_cache=5,
    embedding_width=2,
    has_chat_template=True,
)


def manifest(name: str = "m", size: int = 1, kind: Kind = Kind.CHAT) -> ModelManifest:
    return ModelManifest(
        name=name,
        path=f"/{name}.gguf",
        source="builtin",
        kind=kind,
        architecture="qwen2",
        parameters=1,
        quantization="Q8_0",
        size=size,
        context_length=64,
        added=0.0,
        owned=False,
    )


def _said(prompt: Prompt) -> str:
    """Return what is repeated word by word: the text, or that of the last message."""
    if isinstance(prompt, ChatPrompt):
        return str(prompt.messages[-1]["content"])
    assert isinstance(prompt, TextPrompt)
    return prompt.text


def _reply(question: Question) -> Reply:
    """Characters are the tokens; the longer a document, the better."""
    if isinstance(question, Embed):
        return Embeddings(2, [b"\0" * 8 for _ in question.inputs], len(question.inputs))
    if isinstance(question, Rerank):
        lengths = [float(len(document)) for document in question.documents]
        return Ranking(lengths, len(lengths), probabilities=False)
    if isinstance(question, Tokenize):
        return Tokens([*map(ord, question.text)], [c.encode() for c in question.text])
    if isinstance(question, Detokenize):
        return Tokens(question.tokens, [chr(token).encode() for token in question.tokens])
    if isinstance(question, Score):
        assert isinstance(question.prompt, TextPrompt)
        text = question.prompt.text
        rest = [TokenLogprob(ord(c), c.encode(), -0.5, []) for c in text[1:]]
        return Scores(text[:1].encode(), False, rest)
    text = "".join(str(message["content"]) for message in question.prompt.messages)
    return Rendered(text, len(text))


class FakeWorker:
    """Echoes prompts word by word; `hold` stops it before the first word until `go` is set."""

    def __init__(self, name: str, hooks: Hooks) -> None:
        self.name = name
        self.ready = READY
        self.pid = 0
        self.alive = True
        self.running = 0
        self.activity = Activity()
        self.news: list[Queued | Reading] = []
        """What every request is told before its first word."""
        self.served: list[str] = []
        self.asked: list[GenerateRequest] = []
        self.go = asyncio.Event()
        self.go.set()
        self.poison: str | None = None
        """A prompt that kills it."""
        self.caches = 0
        """Bytes it could give up."""
        self.shares: list[int] = []
        """Workers that computed when it was told so."""
        self._hooks = hooks
        self._dead = asyncio.Event()
        self._cause = Cause.STOPPED

    def hold(self) -> None:
        self.go.clear()

    def die(self, cause: Cause = Cause.NATIVE_ABORT, lived: float = 1.0) -> None:
        self.alive = False
        self._cause = cause
        self._dead.set()
        self._hooks.died(cause, lived)

    def _death(self) -> WorkerDied:
        return death(self.name, self._cause)

    async def _breathe(self) -> None:
        waits = [asyncio.ensure_future(self.go.wait()), asyncio.ensure_future(self._dead.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._dead.is_set():
            raise self._death()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Event]:
        said = _said(request.prompt)
        words = said.split()
        self.served.append(said)
        self.asked.append(request)
        if said == self.poison:
            self.die(lived=100)
        self._run(1)
        try:
            place = next((news for news in self.news if isinstance(news, Queued)), Queued(0, 0.0))
            yield Accepted(len(words), 0, place.position, place.estimated_wait)
            for news in self.news:
                yield news
            for word in words:
                await self._breathe()
                yield Delta(word, 1)
            await self._breathe()
            yield Finished(
                FinishReason.STOP, Usage(prompt_tokens=len(words), completion_tokens=len(words))
            )
        finally:
            self._run(-1)

    @property
    def computing(self) -> bool:
        return self.running > 0

    def _run(self, change: int) -> None:
        before = self.computing
        self.running += change
        if self.computing != before:
            self._hooks.stirred()

    async def ask(self, question: Question, kind: type[R]) -> R:
        self._run(1)
        try:
            await self._breathe()
            reply = _reply(question)
            assert isinstance(reply, kind)
            return reply
        finally:
            self._run(-1)

    def shrink(self, size: int) -> None:
        if self.alive:
            self._hooks.shrunk(min(size, self.caches))
        self.caches -= min(size, self.caches)

    def share(self, workers: int) -> None:
        self.shares.append(workers)

    async def retire(self) -> None:
        await self.stop()

    async def stop(self) -> None:
        if self.alive:
            self.die(Cause.STOPPED)


class FakeStarts:
    """Starts fake workers and keeps them; `fail` makes the next start raise, `gate` holds starts
    back.
    """

    def __init__(self) -> None:
        self.workers: list[FakeWorker] = []
        self.orders: list[Load] = []
        self.fail: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.held = False
        """Whether new workers hold their first word back."""
        self.poison: str | None = None
        """A prompt that kills new workers."""

    async def __call__(
        self, name: str, load: Load, settings: PoolSettings, hooks: Hooks
    ) -> FakeWorker:
        self.orders.append(load)
        hooks.progress(0.5)
        await self.gate.wait()
        if self.fail:
            raise self.fail.pop(0)
        worker = FakeWorker(name, hooks)
        worker.poison = self.poison
        if self.held:
            worker.hold()
        self.workers.append(worker)
        return worker
