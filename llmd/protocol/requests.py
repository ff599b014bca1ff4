"""What can be asked of a model, independent of any API dialect."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from llmd.protocol.constraints import Constraint


class Overflow(StrEnum):
    """What happens when a prompt, or prompt and answer together, do not fit the context.

    `error` refuses the prompt and ends the answer with `length`; `truncate` drops the oldest
    messages or tokens of the prompt; `shift` does so too and also forgets the oldest half of the
    context when an answer fills it.
    """

    ERROR = "error"
    TRUNCATE = "truncate"
    SHIFT = "shift"


class Sampling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the next token is chosen; the meaning of each field is llama.cpp's. Defaults here are
    neutral (off).
    """

    temperature: float = 1.0
    """0 is greedy."""
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    """Tokens the three penalties look back on; -1: the whole context."""
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int | None = None
    logit_bias: dict[int, float] = {}


class ToolChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether and which tools an answer calls; `mode` is auto, none, required or named."""

    mode: str = "auto"
    name: str = ""
    """The tool that must be called, with mode `named`."""
    parallel: bool = True
    """Whether one answer may hold several calls."""


class Reasoning(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a model that thinks aloud before it answers does so."""

    enabled: bool | None = None
    """None: as the chat template has it."""
    budget: int | None = None
    """Longest reasoning in tokens; the end of reasoning is forced after them."""
    separate: bool = True
    """Report reasoning apart from the answer, instead of as part of its text."""


class ChatPrompt(msgspec.Struct, frozen=True, tag="chat", omit_defaults=True):
    """Messages (OpenAI shape, already validated) to be rendered by the model's chat template."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] = []
    template_arguments: dict[str, Any] = {}
    """Extra template variables, for example `enable_thinking`."""
    tool_choice: ToolChoice = ToolChoice()
    reasoning: Reasoning = Reasoning()
    media: list[bytes] = []
    """Encoded images and sounds, in the order of their markers in the messages."""
    continue_final_message: bool | None = None
    """Whether the answer goes on with the last message, instead of following it. None: if that is
    an answer with text and without calls, and the chat template shows it whole.
    """


class TextPrompt(msgspec.Struct, frozen=True, tag="text"):
    """Text that is tokenised as it stands; special tokens in it count, BOS is added where the model
    wants it.
    """

    text: str


class TokenPrompt(msgspec.Struct, frozen=True, tag="tokens"):
    """Token ids that are used as they stand."""

    tokens: list[int]


class InfillPrompt(msgspec.Struct, frozen=True, tag="infill"):
    """Text before and after a gap that the answer fills; only models trained for it can."""

    prefix: str
    suffix: str


Prompt = ChatPrompt | TextPrompt | TokenPrompt | InfillPrompt


class Lane(StrEnum):
    """Who goes first: interactive requests are admitted before batch ones."""

    INTERACTIVE = "interactive"
    BATCH = "batch"


class Speculation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Drafting of several tokens that one decode call then verifies; never changes the answer's
    distribution.
    """

    mode: str = "auto"
    """`auto` (as the model is configured), `off`, `ngram`, `draft` or `mtp`."""
    longest: int | None = None
    """Most tokens drafted for one step; None: as the model is configured."""
    prediction: str = ""
    """Text that the answer is expected to be much like."""


class Adapter(msgspec.Struct, frozen=True, array_like=True):
    """A LoRA adapter of the model, by name, and its weight."""

    name: str
    scale: float = 1.0


class GenerateRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer to one prompt: one sequence."""

    prompt: Prompt
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    """Longest answer in tokens; None: until the context is full."""
    stop: list[str] = []
    """The answer ends before the first of these texts."""
    ignore_eos: bool = False
    logprobs: int | None = None
    """Report the log-probability of each token and of this many alternatives; None: do not."""
    overflow: Overflow = Overflow.ERROR
    constraint: Constraint | None = None
    """What the answer (after any reasoning) must look like."""
    speculation: Speculation = Speculation()
    adapters: list[Adapter] | None = None
    """Those it runs with, no others; None: the ones the model has by default."""
    lane: Lane = Lane.INTERACTIVE
    client: str = ""
    """Whose request this is: waiting requests take turns by client."""
    cache_prompt: bool = True
    """Whether the prompt may be answered from, and kept in, the prefix cache."""
