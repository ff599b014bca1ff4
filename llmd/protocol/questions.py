"""What can be asked of a model besides generating text, and the replies: each question has one, in
one piece.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from llmd.protocol.events import TokenLogprob
from llmd.protocol.requests import Adapter, ChatPrompt, Prompt


class Pooling(StrEnum):
    """How the hidden states of an input become one vector."""

    MODEL = "model"
    """As the model was trained; the mean where it does not say."""
    MEAN = "mean"
    CLS = "cls"
    """The first token's."""
    LAST = "last"
    """The last token's."""
    RANK = "rank"
    """Through the classification head of a reranker: a score, not a vector."""


class Embed(msgspec.Struct, frozen=True, tag="embed", omit_defaults=True):
    """Embed texts or token lists; the reply is `Embeddings`."""

    inputs: list[str | list[int]]
    truncate: bool = False
    """Cut inputs that are too long instead of refusing them."""
    pooling: Pooling = Pooling.MODEL


class Rerank(msgspec.Struct, frozen=True, tag="rerank", omit_defaults=True):
    """Say how well each document answers a query; the reply is `Ranking`."""

    query: str
    documents: list[str]
    truncate: bool = False
    """Cut documents that are too long instead of refusing them."""


class Score(msgspec.Struct, frozen=True, tag="score", omit_defaults=True):
    """Say how likely each token of a prompt was after those before it; the reply is `Scores`."""

    prompt: Prompt
    alternatives: int = 0
    """Likeliest tokens to report at each place."""
    adapters: list[Adapter] | None = None
    """None: those the model has by default."""


class Tokenize(msgspec.Struct, frozen=True, tag="tokenize", omit_defaults=True):
    """Turn a text into tokens; the reply is `Tokens`."""

    text: str
    add_special: bool = False
    """Put BOS and EOS where the model wants them."""
    parse_special: bool = True
    """Read the names of control tokens as these tokens instead of as text."""


class Detokenize(msgspec.Struct, frozen=True, tag="detokenize"):
    """Turn tokens into text, control tokens included; the reply is `Tokens`."""

    tokens: list[int]


class Render(msgspec.Struct, frozen=True, tag="render"):
    """Apply the model's chat template; the reply is `Rendered`."""

    prompt: ChatPrompt


Question = Embed | Rerank | Score | Tokenize | Detokenize | Render


class Embeddings(msgspec.Struct, frozen=True, tag="embeddings"):
    """Normalised vectors (rows of float32, little-endian, `width` values each) in the order of the
    inputs.
    """

    width: int
    vectors: list[bytes]
    tokens: int
    """Tokens of all inputs together."""


class Ranking(msgspec.Struct, frozen=True, tag="ranking"):
    """One score per document, in their order."""

    scores: list[float]
    tokens: int
    """Tokens read: the query counts with each document."""
    probabilities: bool
    """Whether scores lie between 0 and 1; else they are logits, whose sigmoid does."""


class Scores(msgspec.Struct, frozen=True, tag="scores"):
    """The tokens of a prompt with their log-probabilities.

    `logprobs` holds one entry a token but for the first, which nothing precedes.
    """

    first: bytes
    """What the first token stands for."""
    added: bool
    """Whether the first token is a BOS that the prompt did not hold."""
    logprobs: list[TokenLogprob]

    @property
    def tokens(self) -> int:
        """How many the prompt has."""
        return len(self.logprobs) + 1


class Tokens(msgspec.Struct, frozen=True, tag="tokens"):
    """Tokens and what each stands for."""

    tokens: list[int]
    pieces: list[bytes]


class Rendered(msgspec.Struct, frozen=True, tag="rendered"):
    """A prompt as the model reads it."""

    text: str
    tokens: int
    """How many it has."""


Reply = Embeddings | Ranking | Scores | Tokens | Rendered
