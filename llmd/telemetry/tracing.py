"""Traces for an OpenTelemetry collector: a span for each request, with its phases as children.

Off unless `telemetry.otlp_endpoint` is set, and then nothing of OpenTelemetry is imported. Spans
are exported by a thread, a few thousand wait at most: a collector that is slow or dead costs spans,
never requests.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import structlog

from llmd.config.sharing import TelemetrySettings
from llmd.errors import ConfigInvalid
from llmd.telemetry.journal import Answer, Journal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

_PATH = "/v1/traces"
_TIMEOUT = 5.0
_LAST_WORDS = 2.0
_QUEUE = 4096
_PHASES = ("queue", "prefill", "decode")
_SERVER_ERROR = 500

Value = str | int | float


class RequestSpan:
    """The span of one request under way."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span

    def finish(
        self, name: str, status: int, attributes: Mapping[str, Value], journal: Journal
    ) -> None:
        """Add what is known at the end; 5xx makes it an error."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415  an extra, perhaps not there

        if not self._span.is_recording():
            return
        self._span.update_name(name)
        self._span.set_attributes(
            {
                "http.response.status_code": status,
                "gen_ai.request.model": journal.model,
                "gen_ai.usage.input_tokens": journal.prompt_tokens,
                "gen_ai.usage.output_tokens": journal.completion_tokens,
                **{f"llmd.{key}": value for key, value in attributes.items()},
            }
        )
        if status >= _SERVER_ERROR:
            self._span.set_status(StatusCode.ERROR)
        for answer in journal.answers:
            self._phases(answer)

    def _phases(self, answer: Answer) -> None:
        """Make spans of the seconds that the worker has measured, one behind the other."""
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415  as above

        context = set_span_in_context(self._span)
        seconds = (answer.queue, answer.prefill, answer.decode)
        start = answer.ended - sum(seconds)
        for phase, length in zip(_PHASES, seconds, strict=True):
            if length <= 0:
                continue
            child = self._tracer.start_span(
                phase,
                context,
                attributes={"gen_ai.request.model": answer.model, "llmd.outcome": answer.outcome},
                start_time=int(start * 1e9),
            )
            start += length
            child.end(int(start * 1e9))


class Tracing:
    """Makes spans, or nothing when it is off."""

    def __init__(self, settings: TelemetrySettings, exporter: SpanExporter | None = None) -> None:
        """Raise ConfigInvalid when traces are wanted and OpenTelemetry is not installed."""
        self._provider: TracerProvider | None = None
        self._tracer: Tracer | None = None
        if settings.otlp_endpoint or exporter:
            self._provider = _provider(settings, exporter)
            self._tracer = self._provider.get_tracer("llmd")

    def request(self, carrier: Mapping[str, str]) -> AbstractContextManager[RequestSpan | None]:
        """Make a span for the length of a `with`, a child of what the `traceparent` in `carrier`
        names; None: traces are off.
        """
        return self._request(self._tracer, carrier) if self._tracer else nullcontext()

    @contextmanager
    def _request(self, tracer: Tracer, carrier: Mapping[str, str]) -> Iterator[RequestSpan]:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415  an extra, perhaps not there
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415  as above
            TraceContextTextMapPropagator,
        )

        parent = TraceContextTextMapPropagator().extract(carrier)
        span = tracer.start_span("request", parent, SpanKind.SERVER)
        try:
            yield RequestSpan(tracer, span)
        finally:
            span.end()

    async def close(self) -> None:
        """Export what is left, if the collector takes it within two seconds."""
        provider = self._provider
        if provider is None:
            return
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def stop() -> None:
            provider.shutdown()
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:
                return  # the daemon did not wait

        # not the loop's own threads: those are waited for, and a dead collector takes its time
        threading.Thread(target=stop, name="last-spans", daemon=True).start()
        try:
            await asyncio.wait_for(done.wait(), _LAST_WORDS)
        except TimeoutError:
            structlog.get_logger("traces").warning("the collector did not take the last spans")


def _provider(settings: TelemetrySettings, exporter: SpanExporter | None) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  as above
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415  as above
    except ImportError as error:
        raise ConfigInvalid(
            "telemetry.otlp_endpoint is set, but OpenTelemetry is not installed.",
            hint="Install it with pip install 'llmd[otel]', or unset telemetry.otlp_endpoint.",
            param="telemetry.otlp_endpoint",
        ) from error
    base = settings.otlp_endpoint.rstrip("/")
    endpoint = base if base.endswith(_PATH) else base + _PATH
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.sample),
        resource=Resource.create({"service.name": "llmd"}),
        shutdown_on_exit=False,
    )
    exporter = exporter or OTLPSpanExporter(endpoint=endpoint, timeout=_TIMEOUT)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=_QUEUE))
    return provider
