"""What is known of the models that answer here: abilities, limits, where they run and how they
perform, as measured.

Sizes are bytes, times are seconds since the epoch, rates are per second; how a document writes them
is for those who speak it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Ability(StrEnum):
    """Something a model can do."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    CODE = "code"
    TOOL_USE = "tool_use"
    VISION = "vision"
    AUDIO = "audio"
    REASONING = "reasoning"


class Standing(StrEnum):
    """Whether a model answers."""

    ACTIVE = "active"
    """It does: it is loaded, or is as soon as somebody asks."""
    LOADING = "loading"
    UNLOADING = "unloading"
    WAITING = "waiting"
    """Until another one makes room in memory."""
    INACTIVE = "inactive"
    """It is registered, but its file is gone."""
    AVAILABLE = "available"
    """It is in the catalogue and can be deployed."""


class Health(StrEnum):
    """How a loaded model's processes are."""

    HEALTHY = "healthy"
    STARTING = "starting"
    STOPPING = "stopping"
    UNHEALTHY = "unhealthy"
    """Its processes are gone."""


class Span(msgspec.Struct, frozen=True):
    """Values that a knob takes."""

    min: float
    max: float
    default: float
    """What holds where a request does not say."""


class Knobs(msgspec.Struct, frozen=True, kw_only=True):
    """What requests may set."""

    max_tokens: int
    """Tokens that a prompt and its answer may have together."""
    temperature: Span
    top_p: Span


class Pricing(msgspec.Struct, frozen=True, kw_only=True):
    """What tokens cost: nothing, on a machine of one's own."""

    input_per_1k_tokens: float = 0.0
    output_per_1k_tokens: float = 0.0
    currency: str = "USD"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """How the latest requests to a model went, since the daemon started; None: there were none."""

    requests: int = 0
    """Those the figures are made of."""
    average_latency_ms: float | None = None
    """Milliseconds from arrival to the end of an answer, of those that were completed."""
    first_token_ms: float | None = None
    """Milliseconds from arrival to the first token."""
    tokens_per_second: float | None = None
    """Of one answer, after its first token."""
    availability: float | None = None
    """Share of the requests that did not fail through llmd's fault."""


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model runs."""

    node: str
    """Host name of the machine."""
    hardware: str | None
    """Names of the devices that hold its weights; None: it is not loaded."""
    quantization: str
    """As the deploy call takes it: `int8`, `int4`, `fp16`."""
    quantization_type: str
    """In llama.cpp's words, such as `Q8_0`."""
    memory: int = 0
    """Bytes that it takes, measured; 0: it is not loaded."""
    loaded_at: float | None = None
    health: Health | None = None
    max_batch_size: int = 0
    """Answers that decode together."""


class DirectoryModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the directory."""

    id: str
    """The name that requests know it by."""
    name: str
    """The publisher's name for it."""
    description: str
    version: str
    """As its publisher counts; empty: the file does not say."""
    capabilities: list[Ability]
    provider: str
    """`local`: all models run on this machine."""
    status: Standing
    loaded: bool
    place: Whereabouts
    parameters: Knobs
    pricing: Pricing = Pricing()
    stats: Measured = Measured()
