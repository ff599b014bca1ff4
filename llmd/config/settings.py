"""Every setting, typed, with its default; the string under a field is its documentation, which
description.py reads for the page of the settings.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from llmd.config.grpc import GrpcSettings
from llmd.config.hours import Hours
from llmd.config.networks import Networks
from llmd.config.section import Count, Port, Positive, Probability, Section
from llmd.config.sharing import LimitSettings, TelemetrySettings
from llmd.config.values import Duration, Size


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class CacheType(StrEnum):
    """Element type of the KV cache."""

    F16 = "f16"
    Q8_0 = "q8_0"
    Q4_0 = "q4_0"


class WindowCache(StrEnum):
    """What layers that attend to a sliding window keep of a sequence."""

    AUTO = "auto"
    FULL = "full"
    WINDOW = "window"


class FlashAttention(StrEnum):
    """Whether attention is computed without storing its scores."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Mismatch(StrEnum):
    """What happens to a request that a model would have to be loaded anew for."""

    SERVE = "serve"
    REFUSE = "refuse"


class AuthMode(StrEnum):
    """Who may use llmd over the network."""

    OPEN = "open"
    KEYS = "keys"
    USERS = "users"


class SpeculationMode(StrEnum):
    """Where guesses at the next tokens come from."""

    AUTO = "auto"
    OFF = "off"
    NGRAM = "ngram"
    DRAFT = "draft"
    MTP = "mtp"


class ServerSettings(Section, frozen=True):
    """Listeners and HTTP limits."""

    host: str = "127.0.0.1"
    """Address of the TCP listener."""
    port: Port = 8000
    """Port of the TCP listener; 0 picks a free one."""
    max_body: Size = Size(32 * 2**20)
    """Largest request body."""
    drain_timeout: Duration = Duration(30)
    """How long running answers may finish after SIGTERM, SIGINT or SIGHUP."""
    write_timeout: Duration = Duration(120)
    """A client that takes no byte of its answer for this long is dropped and its sequence
    cancelled.
    """
    ping_interval: Duration = Duration(15)
    """A streamed answer that has nothing to say carries a comment this often, and WebSockets are
    pinged so.
    """
    max_sockets: Positive = 256
    """WebSockets that one caller may hold open at the same time."""
    keepalive_timeout: Duration = Duration(75)
    """How long an idle HTTP connection stays open."""
    header_timeout: Duration = Duration(30)
    """How long the head of a request may take to come; slower clients are dropped."""
    body_timeout: Duration = Duration(60)
    """How long a request body may take to come, and a second more for every 16 KiB of it that came;
    slower ones are refused with 408.
    """
    max_connections: Count = 1000
    """TCP connections open at the same time; 0: no limit. More are refused with 503."""
    trusted_proxies: Networks = Networks("")
    """Addresses and networks (commas between) of reverse proxies, whose X-Forwarded-For or
    X-Real-IP says where a request comes from; of others these headers mean nothing.
    """


class EngineSettings(Section, frozen=True):
    """How a model is run; read when the model is loaded."""

    context_length: Count = 0
    """Tokens one sequence may hold, prompt and answer together; 0: what the model was trained for,
    at most 8192.
    """
    parallel: Annotated[int, Meta(ge=1, le=256)] = 16
    """Sequences that decode together."""
    kv_tokens: Count = 0
    """Tokens of KV cache shared by all sequences; 0: context_length for each sequence, within a
    quarter of free memory.
    """
    kv_type: CacheType = CacheType.F16
    """Element type of the KV cache."""
    swa_cache: WindowCache = WindowCache.AUTO
    """What layers with a sliding window keep: all tokens (full) or a window of each sequence
    (window), which takes less memory and is copied where prompts begin alike; auto: a window, if it
    is quickly copied or memory is short.
    """
    batch: Annotated[int, Meta(ge=32, le=8192)] = 512
    """Tokens one decode call carries; half as many more where that ends the prompts."""
    prefill_chunk: Annotated[int, Meta(ge=1, le=8192)] = 256
    """Prompt tokens one decode call may carry at most while other sequences are streaming."""
    stream_slowdown: Annotated[float, Meta(ge=1.05, le=100)] = 2.0
    """How many times longer the tokens of running answers may take, on the average, while a prompt
    is read; higher reads prompts sooner.
    """
    prefixes: Annotated[int, Meta(ge=0, le=240)] = 64
    """Prompts and answers kept in the KV cache after they ended, for requests that begin alike, as
    long as there is room; 0: none.
    """
    flash_attention: FlashAttention = FlashAttention.AUTO
    """Attention without storing its scores; a quantised KV cache needs it."""
    threads: Count = 0
    """CPU threads that write answers; 0: the physical cores this process may use. Models that
    compute at the same time share them.
    """
    prefill_threads: Count = 0
    """CPU threads that read prompts; 0: as many."""
    gpu_layers: Annotated[int, Meta(ge=-1)] = -1
    """Layers to offload to the GPU; -1: all."""
    max_queue: Count = 512
    """Requests that may wait for a free sequence; further ones are answered 429."""


class PlacementSettings(Section, frozen=True):
    """Where models lie in memory; read when a model is loaded."""

    prefer_gpu: bool = True
    """Whether GPUs are used at all; false: everything stays on the CPU."""
    require_gpu: bool = False
    """Whether loading fails when a model cannot be offloaded as a whole, instead of leaving layers
    on the CPU.
    """
    tensor_split: str = ""
    """Share of each GPU, such as `3,1`; empty: by what is free."""
    cpu_moe: Annotated[int, Meta(ge=-1)] = 0
    """Layers, counted from the first, whose experts stay on the CPU; 0: as many as must, -1: all.
    """
    mmap: bool = True
    """Whether weights are mapped from their file, so that what several processes use lies in memory
    once and is not written to the swap; false: they are read.
    """
    mlock: bool = False
    """Whether weights are kept from being swapped out."""


class CacheSettings(Section, frozen=True):
    """What models have read, kept beside the KV cache and over restarts."""

    disk: Size = Size(4 * 2**30)
    """Most that prefixes of all models may take; 0: none are kept. Prompts and answers can be read
    out of these files by who may read them, which is the owner only.
    """
    spare: Size = Size(2**30)
    """Disk space that stays free."""
    memory: Size = Size(0)
    """Memory of each loaded model for prefixes that its KV cache gave up, and for checkpoints of
    windows and states; 0: a sixteenth of what is free when it is loaded, at most 512MiB.
    """


class PoolSettings(Section, frozen=True):
    """Loaded models: how many, how long, and when a worker is given up."""

    keep_alive: Duration = Duration(300)
    """An idle model is unloaded after this time; -1: never."""
    max_loaded: Count = 0
    """Models loaded at the same time; 0: as many as memory holds."""
    turn: Duration = Duration(10)
    """A model in use keeps its place at least so long, and at least twice as long as loading it
    took, when requests for another one want its memory.
    """
    room_timeout: Duration = Duration(300)
    """How long a request waits for models in use to make room for its own; -1: without end."""
    mismatch: Mismatch = Mismatch.SERVE
    """Requests that wish a model loaded otherwise than it is, say with a longer context: `serve`
    answers as it is and says so in a header, `refuse` does not answer.
    """
    reserve: Size = Size(0)
    """Memory that stays free: below it caches shrink and idle models go; 0: a thirty-second of all,
    at most 1GiB.
    """
    load_timeout: Duration = Duration(300)
    """Loading that makes no progress for this long is given up."""
    stall_timeout: Duration = Duration(120)
    """A worker whose decode has not advanced for this long while work was pending is replaced; one
    that computes on the CPU all the while, after ten times as long.
    """


class SpeculationSettings(Section, frozen=True):
    """Guessing several tokens ahead and checking them in one decode call; answers stay the same."""

    mode: SpeculationMode = SpeculationMode.AUTO
    """Where guesses come from when a request does not say: `ngram` (what followed the same words
    before), `draft` (a draft model), `mtp` (prediction layers of the model itself), `auto` (all
    there is); `off`: nowhere, whatever requests say.
    """
    longest: Annotated[int, Meta(ge=1, le=64)] = 32
    """Most tokens guessed ahead of one answer."""
    rows: Annotated[int, Meta(ge=1, le=128)] = 48
    """Most tokens guessed in one decode call, for all answers together."""
    draft_models: str = ""
    """Draft models as `MODEL=DRAFT`, with commas between; a DRAFT alone serves every other model
    that has its vocabulary.
    """


class MediaSettings(Section, frozen=True):
    """Pictures and sounds in requests, for models with a projector (mmproj file)."""

    max_items: Positive = 16
    """Pictures and sounds of one request."""
    max_bytes: Size = Size(20_000_000)
    """Largest file of a picture or a sound."""
    max_pixels: Positive = 50_000_000
    """Width times height of a picture."""
    max_audio: Duration = Duration(600)
    """Longest sound."""
    cache: Size = Size(256 * 2**20)
    """Memory for encoded pictures and sounds, so that one in every turn is encoded once."""
    allowed_hosts: str = ""
    """Hosts, with commas between, that pictures may be fetched from by URL; empty: none. One that
    resolves to a private address must be written as HOST:PORT.
    """
    fetch_timeout: Duration = Duration(20)
    """How long fetching all pictures of a request may take."""


class ModelSettings(Section, frozen=True):
    """Which model answers, and where models come from."""

    default: str = ""
    """Model used when a request names none; empty: the newest pulled or imported one, else the
    built-in one.
    """
    default_vision: str = ""
    """Model used when a request with pictures or sounds names none; empty: the default model where
    it takes them, else the newest that does.
    """
    default_embedding: str = ""
    """Embedding model used when a request names none; empty: the newest embedding model."""
    default_rerank: str = ""
    """Reranker used when a request names none; empty: the newest reranker."""
    quantize: bool = True
    """Whether a load call that names a quantisation may have it made from a better one (Q8_0 or
    larger) when it can neither be found nor fetched.
    """


class DownloadSettings(Section, frozen=True):
    """How models are fetched."""

    rate_limit: Size = Size(0)
    """Bytes per second of all downloads together; 0: no limit."""
    hours: Hours = Hours("")
    """Times of day at which downloads may run, such as `22:00-07:00`, with commas between several;
    at other times they wait. Empty: always.
    """
    connections: Annotated[int, Meta(ge=1, le=16)] = 4
    """Most connections for one file; one is added only while that makes it quicker."""
    stall_timeout: Duration = Duration(30)
    """A connection over which nothing comes for this long is given up and made anew."""
    keep_partials: Duration = Duration(14 * 86400)
    """What has come of a download that nobody went on with is deleted after this time; -1:
    never.
    """


class SamplingSettings(Section, frozen=True):
    """Sampling where a request does not say."""

    temperature: Annotated[float, Meta(ge=0, le=5)] = 0.8
    """How freely tokens are drawn: higher is more varied, 0 always takes the likeliest."""
    top_k: Count = 40
    """Keep the k most likely tokens; 0: off."""
    top_p: Probability = 0.95
    """Keep the most likely tokens that together reach this probability; 1: off."""
    min_p: Probability = 0.05
    """Drop tokens less likely than this share of the most likely one; 0: off."""
    max_tokens: Count = 0
    """Longest answer in tokens; 0: until the context is full."""


class DatabaseSettings(Section, frozen=True):
    """Accounts, sessions and deployments."""

    url: str = ""
    """Empty: a SQLite file of llmd's own; else another one as `sqlite:////PATH`, or a server as
    `postgresql://USER:PASSWORD@HOST/DATABASE`, which several daemons may share.
    """


class SecuritySettings(Section, frozen=True):
    """Who may call, from where, and for how long a login counts."""

    mode: AuthMode = AuthMode.OPEN
    """`open`: anybody who reaches the address may do all but administer; `keys`: an API key is
    needed; `users`: an API key, or the token of somebody who logged in.
    """
    allow_open: bool = False
    """Whether other machines may be served while the mode is `open`."""
    access_lifetime: Duration = Duration(900)
    """How long an access token counts."""
    refresh_lifetime: Duration = Duration(30 * 86400)
    """How long a login can be refreshed."""
    browser_lifetime: Duration = Duration(12 * 3600)
    """How long a login in the browser counts."""
    secret_file: str = ""
    """What signs tokens; daemons that share accounts share it. Empty: one in the state
    directory.
    """
    hosts: str = ""
    """Names, with commas between, by which this machine may be called besides localhost and, for
    programs, those that end in `.internal`, such as `host.docker.internal`.
    """
    cors_origins: str = ""
    """Origins, with commas between, whose web pages may call, such as `https://chat.example.com`;
    `*`: all.
    """


class LogSettings(Section, frozen=True):
    """The daemon's log file."""

    level: LogLevel = LogLevel.INFO
    """Least severe level that is written."""
    max_size: Size = Size(10 * 2**20)
    """The file is rotated at this size."""
    backups: Count = 5
    """Rotated files kept."""
    prompts: bool = False
    """Whether prompts and answers are logged too, the first 10,000 characters of each."""


class Settings(Section, frozen=True):
    """All sections of config.toml."""

    server: ServerSettings = ServerSettings()
    grpc: GrpcSettings = GrpcSettings()
    engine: EngineSettings = EngineSettings()
    placement: PlacementSettings = PlacementSettings()
    cache: CacheSettings = CacheSettings()
    pool: PoolSettings = PoolSettings()
    speculation: SpeculationSettings = SpeculationSettings()
    media: MediaSettings = MediaSettings()
    models: ModelSettings = ModelSettings()
    downloads: DownloadSettings = DownloadSettings()
    sampling: SamplingSettings = SamplingSettings()
    limits: LimitSettings = LimitSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    database: DatabaseSettings = DatabaseSettings()
    security: SecuritySettings = SecuritySettings()
    log: LogSettings = LogSettings()
