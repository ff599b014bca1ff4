"""One streamed answer: gathers chunks of the OpenAI dialect, tells what to say about the result,
writes it.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmd.errors import ContextOverflow

BUILT_IN = "llmd-tiny"
BUILT_IN_NOTICE = (
    f"{BUILT_IN} is a small built-in demonstration model; pull a real one: llmd pull qwen3-4b"
)


@dataclass
class Answer:
    """An answer as far as it has come."""

    text: str = ""
    reasoning: str = ""
    thought: str = ""
    """The reasoning that the latest chunk brought."""
    model: str = ""
    finish_reason: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)

    def take(self, chunk: Mapping[str, Any]) -> str:
        """Add one chunk and return the text it brings; `thought` has its reasoning."""
        self.model = chunk.get("model") or self.model
        self.usage = chunk.get("usage") or self.usage
        added = self.thought = ""
        for choice in chunk.get("choices", ()):
            delta = choice.get("delta") or {}
            added += choice.get("text") or delta.get("content") or ""
            self.thought += delta.get("reasoning_content") or ""
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        self.text += added
        self.reasoning += self.thought
        return added

    def notices(self, longest: str = "--max-tokens") -> Iterator[str]:
        """Say what a reader must know about how the answer came to be: nothing is cut in silence.
        `longest` is what sets the longest answer.
        """
        if dropped := self.usage.get("dropped_tokens"):
            yield f"{dropped} tokens of the prompt were dropped to fit the context."
        if self.finish_reason == "length":
            yield f"The answer ends because {longest} or the context is reached."

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "text": self.text,
            **({"reasoning": self.reasoning} if self.reasoning else {}),
            "model": self.model,
            "finish_reason": self.finish_reason,
            "usage": self.usage,
        }


def written(text: str) -> None:
    """Write what a model says: a terminal gets nothing that could move its cursor or set its
    clipboard, anything else the text as it is.
    """
    from llmd.tui.chat.plain import plain

    sys.stdout.write(plain(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def overflow(error: ContextOverflow) -> str:
    """Say what did not fit, without what only a program could do about it."""
    needed, available = (error.details.get(name) for name in ("needed", "available"))
    if needed is None or available is None:
        return error.message
    return f"That takes {needed} tokens, but the context of this model holds {available}."


def speed(usage: Mapping[str, Any]) -> str:
    """Return tokens and tokens per second in a few words, or an empty text when the daemon did not
    say.
    """
    tokens = usage.get("completion_tokens", 0)
    seconds = (usage.get("timings") or {}).get("decode_seconds", 0)
    if not tokens:
        return ""
    rate = f", {tokens / seconds:.1f} tok/s" if seconds else ""
    return f"{tokens} token{'s' if tokens > 1 else ''}{rate}"


def statistics(usage: Mapping[str, Any]) -> str:
    """Return all figures of one answer in a line."""
    timings = usage.get("timings") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    prompt = f"prompt {usage.get('prompt_tokens', 0)} tokens" + (
        f" ({cached} cached)" if cached else ""
    )
    waits = ", ".join(
        f"{name} {timings[key]:.2f} s"
        for name, key in (
            ("queue", "queue_seconds"),
            ("prefill", "prefill_seconds"),
            ("decode", "decode_seconds"),
        )
        if key in timings
    )
    return "; ".join(part for part in (prompt, f"answer {speed(usage) or 'empty'}", waits) if part)
