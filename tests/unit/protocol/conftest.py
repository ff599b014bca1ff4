"""One frame of each kind, with every field set to something else than its default."""

from __future__ import annotations

from typing import Any

from llmd.errors import QueueFull
from llmd.protocol.events import (
    Accepted,
    CacheMiss,
    Delta,
    Finished,
    FinishReason,
    MissKind,
    Queued,
    Reading,
    TokenLogprob,
    Usage,
)
from llmd.protocol.frames import (
    Answered,
    Ask,
    Batch,
    Cancel,
    Failed,
    Figures,
    Generate,
    Load,
    LoadError,
    Loading,
    Log,
    Ready,
    Share,
    Shrink,
    Shrunk,
    Stop,
)
from llmd.protocol.models import AdapterFile
from llmd.protocol.questions import (
    Detokenize,
    Embed,
    Embeddings,
    Pooling,
    Ranking,
    Render,
    Rendered,
    Rerank,
    Score,
    Scores,
    Tokenize,
    Tokens,
)
from llmd.protocol.requests import (
    Adapter,
    ChatPrompt,
    GenerateRequest,
    InfillPrompt,
    Overflow,
    Sampling,
    TextPrompt,
    TokenPrompt,
)

SAMPLING = Sampling(
    temperature=0.5,
    top_k=3,
    top_p=0.9,
    min_p=0.1,
    typical_p=0.8,
    repeat_penalty=1.1,
    repeat_last_n=-1,
    frequency_penalty=0.2,
    presence_penalty=-0.3,
    seed=2**63,
    logit_bias={7: -100.0},
)
CHAT = ChatPrompt(
    messages=[{"role": "user", "content": "¿Qué?", "tool_calls": [{"id": "1"}]}],
    tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    template_arguments={"enable_thinking": False},
)
USAGE = Usage(
    prompt_tokens=1,
    completion_tokens=2,
    cached_tokens=3,
    cache_miss=CacheMiss(MissKind.EVICTED, 7, evicted_tokens=3),
    dropped_tokens=4,
    reasoning_tokens=1,
    queue_seconds=0.5,
    prefill_seconds=0.6,
    decode_seconds=0.7,
)
LOAD = Load(
    "/m.gguf",
    True,
    1,
    2,
    3,
    "q8_0",
    4,
    5,
    6,
    -1,
    7,
    adapters=[AdapterFile("x", "/x.gguf", 0.5, True)],
    pooling=Pooling.RANK,
)
ERROR = QueueFull("full", hint="wait", param="n", retry_after=2).to_wire()

QUESTIONS: list[Any] = [
    Embed(inputs=["a", [1, 2]], truncate=True, pooling=Pooling.LAST),
    Rerank("q", ["d", "文"], truncate=True),
    Score(TextPrompt("x"), 3, [Adapter("x", -1.0)]),
    Tokenize("x", add_special=True, parse_special=False),
    Detokenize([1, 2]),
    Render(CHAT),
]
REPLIES: list[Any] = [
    Embeddings(2, [b"\0" * 8], 4),
    Ranking([0.5, -1.0], 7, probabilities=False),
    Scores(b"\xff", True, [TokenLogprob(5, b"\xc3", -0.5, [])]),
    Tokens([1, 2], [b"a", b"\xff"]),
    Rendered("text", 3),
]

TO_WORKER: list[Any] = [
    LOAD,
    Generate(
        1,
        GenerateRequest(
            prompt=CHAT,
            sampling=SAMPLING,
            max_tokens=0,
            stop=["\n"],
            ignore_eos=True,
            logprobs=0,
            overflow=Overflow.SHIFT,
        ),
    ),
    Generate(2, GenerateRequest(prompt=TextPrompt("x"))),
    Generate(3, GenerateRequest(prompt=TokenPrompt([1, 2]))),
    Generate(4, GenerateRequest(prompt=InfillPrompt("a", "b"), adapters=[Adapter("x", 0.5)])),
    *(Ask(10 + place, question) for place, question in enumerate(QUESTIONS)),
    Cancel(5),
    Shrink(1 << 30),
    Share(2),
    Stop(),
]
FROM_WORKER: list[Any] = [
    Loading(0.5),
    Ready(1, 2, 3, 4, "CUDA0", 5, 6, 7, True),
    LoadError(ERROR),
    Log("warning", "text"),
    Shrunk(1 << 30),
    Batch(
        9,
        [
            (1, Accepted(10, 2, 3)),
            (1, Queued(2, 1.5)),
            (1, Reading(7, 4)),
            (1, Delta("é", 2, [TokenLogprob(5, b"\xc3", -0.5, [(6, b"\xff", -1.0)])])),
            (1, Finished(FinishReason.LENGTH, USAGE, "stop")),
            (2, Failed(ERROR)),
            *((20 + place, Answered(reply)) for place, reply in enumerate(REPLIES)),
        ],
        [0.01],
        Figures(1, 2, 0.5, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    ),
]
