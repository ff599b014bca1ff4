from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from llmd.config.sharing import TelemetrySettings
from llmd.errors import ConfigInvalid
from llmd.telemetry.journal import Answer, Journal
from llmd.telemetry.tracing import Tracing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class Kept(SpanExporter):
    """Keeps what is exported."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


class Stuck(SpanExporter):
    """A collector that does not answer."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        time.sleep(5)
        return SpanExportResult.FAILURE


def journal() -> Journal:
    kept = Journal()
    kept.note(Answer("llmd-tiny", 10, 20, 100.0, 0.5, 1.0, 2.0, "stop"))
    return kept


async def traced(headers: dict[str, str], status: int = 200, sample: float = 1) -> Kept:
    kept = Kept()
    tracing = Tracing(TelemetrySettings(sample=sample), kept)
    with tracing.request(headers) as span:
        assert span
        span.finish("POST /v1/chat/completions", status, {"caller": "llmd-ann"}, journal())
    await tracing.close()
    return kept


async def test_a_request_is_a_span_with_its_phases() -> None:
    spans = {span.name: span for span in (await traced({})).spans}
    assert set(spans) == {"POST /v1/chat/completions", "queue", "prefill", "decode"}
    root = spans["POST /v1/chat/completions"]
    assert root.attributes
    assert root.attributes["gen_ai.request.model"] == "llmd-tiny"
    assert root.attributes["gen_ai.usage.output_tokens"] == 20
    assert root.attributes["llmd.caller"] == "llmd-ann"
    assert [span.parent.span_id for span in spans.values() if span.parent] == [
        root.context.span_id
    ] * 3
    decode = spans["decode"]
    assert (decode.start_time, decode.end_time) == (98_000_000_000, 100_000_000_000)
    assert spans["prefill"].end_time == decode.start_time


async def test_the_callers_trace_goes_on() -> None:
    kept = await traced({"traceparent": PARENT})
    assert {format(span.context.trace_id, "032x") for span in kept.spans} == {TRACE}


@pytest.mark.parametrize("given", ["nonsense", "00-0-0-01", "x" * 100_000])
async def test_what_is_no_trace_begins_a_new_one(given: str) -> None:
    kept = await traced({"traceparent": given})
    assert {format(span.context.trace_id, "032x") for span in kept.spans} != {TRACE}
    assert len(kept.spans) == 4


async def test_who_did_not_sample_is_obeyed() -> None:
    assert (await traced({"traceparent": PARENT[:-2] + "00"})).spans == []
    assert (await traced({}, sample=0)).spans == []


async def test_errors_of_the_daemon_are_errors_of_the_span() -> None:
    spans = (await traced({}, status=500)).spans
    assert [span.status.is_ok for span in spans if span.parent is None] == [False]
    spans = (await traced({}, status=404)).spans
    assert [span.status.is_ok for span in spans if span.parent is None] == [True]


async def test_nothing_is_traced_without_a_collector() -> None:
    tracing = Tracing(TelemetrySettings())
    with tracing.request({"traceparent": PARENT}) as span:
        assert span is None
    await tracing.close()


async def test_a_stuck_collector_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llmd.telemetry.tracing._LAST_WORDS", 0.05)
    tracing = Tracing(TelemetrySettings(), Stuck())
    for _ in range(20_000):  # more than wait, and none of them waits here
        with tracing.request({}) as span:
            assert span
    await tracing.close()


def test_without_the_extra_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    with pytest.raises(ConfigInvalid, match=r"pip install 'llmd\[otel\]'"):
        Tracing(TelemetrySettings(otlp_endpoint="http://localhost:4318"))


def test_nothing_is_imported_while_it_is_off() -> None:
    code = (
        "import sys; from llmd.telemetry.tracing import Tracing; "
        "from llmd.config.sharing import TelemetrySettings; Tracing(TelemetrySettings()); "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
