from __future__ import annotations

from llmd.protocol.events import Usage
from llmd.protocol.models import Activity, Kind, LoadedModel, ModelState
from llmd.services.metering import account, engines
from llmd.telemetry.metrics import Metrics

USAGE = Usage(
    prompt_tokens=100,
    completion_tokens=41,
    cached_tokens=60,
    drafted_tokens=20,
    accepted_tokens=15,
    queue_seconds=0.5,
    prefill_seconds=2.0,
    decode_seconds=4.0,
)


def rendered(usage: Usage) -> list[str]:
    metrics = Metrics()
    account(metrics, "m", usage)
    return metrics.render().decode().splitlines()


def test_tokens_are_counted_by_kind() -> None:
    lines = rendered(USAGE)
    for kind, count in (
        ("prompt", 100),
        ("completion", 41),
        ("cached", 60),
        ("drafted", 20),
        ("accepted", 15),
    ):
        assert f'llmd_tokens_total{{kind="{kind}",model="m"}} {count}.0' in lines


def test_phases_have_their_seconds_and_speeds() -> None:
    lines = rendered(USAGE)
    assert 'llmd_phase_seconds_sum{model="m",phase="queue"} 0.5' in lines
    assert 'llmd_tokens_per_second_sum{model="m",phase="prefill"} 20.0' in lines
    assert 'llmd_tokens_per_second_sum{model="m",phase="decode"} 10.0' in lines
    assert 'llmd_prompt_reused_share_sum{model="m"} 0.6' in lines


def test_what_took_no_time_has_no_speed() -> None:
    lines = rendered(Usage(prompt_tokens=5, cached_tokens=5, completion_tokens=1))
    assert 'llmd_phase_seconds_count{model="m",phase="decode"} 1.0' in lines
    counts = [line for line in lines if line.startswith("llmd_tokens_per_second_count")]
    assert counts
    assert all(line.endswith(" 0.0") for line in counts)
    assert 'llmd_prompt_reused_share_sum{model="m"} 1.0' in lines


def test_every_cell_of_an_engines_cache_is_counted_once() -> None:
    model = LoadedModel(
        name="m",
        state=ModelState.READY,
        kind=Kind.CHAT,
        pid=1,
        kv_tokens=100,
        activity=Activity(running=3, waiting=2, kv_used=60, kv_parked=20, drafted_tokens=8),
    )
    figures = engines([model])["m"]
    assert figures["kv_cells"] == {"running": 40, "parked": 20, "free": 40}
    assert figures["requests"] == {"running": 3, "waiting": 2}
    assert figures["tokens"]["drafted"] == 8
    metrics = Metrics()
    metrics.watch(lambda: engines([model]))
    assert 'llmd_engine_kv_cells{model="m",state="free"} 40.0' in metrics.render().decode()
