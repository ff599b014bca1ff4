"""Snapshots of a daemon with fixed figures and clocks."""

from __future__ import annotations

import msgspec

from llmd.protocol.deployments import (
    Deployment,
    DeploymentOrder,
    DeploymentStatus,
    Stage,
    StageName,
)
from llmd.protocol.feed import GpuLoad, History, MachineLoad, ModelHistory, Snapshot
from llmd.protocol.models import Activity, Kind, LoadedModel, Memory, ModelState, PullProgress
from llmd.protocol.placement import DeviceUse, Parts
from llmd.protocol.quantization import QuantizeProgress
from llmd.protocol.reports import RequestList, RequestReport, RequestState, StatusReport
from llmd.protocol.requests import Lane

NOW = 1_790_000_000.0
GB = 10**9
MB = 10**6


def loaded(name: str = "qwen3-4b", **changes: object) -> LoadedModel:
    model = LoadedModel(
        name=name,
        state=ModelState.READY,
        kind=Kind.CHAT,
        pid=4242,
        context_length=32768,
        parallel=16,
        kv_tokens=65536,
        device="CUDA0",
        running=7,
        activity=Activity(
            running=5,
            waiting=2,
            kv_used=21000,
            kv_parked=9000,
            prefixes=12,
            read_tokens=4000,
            reused_tokens=6000,
            generated_per_second=183.4,
            read_per_second=912.0,
        ),
        memory=Memory(resident=700 * MB),
        expires_in=212.0,
        predicted=[
            DeviceUse(device="CUDA0", parts=Parts(weights=2500 * MB, kv_cache=4 * GB)),
            DeviceUse(device="CPU", parts=Parts(process=300 * MB, caches=400 * MB)),
        ],
        measured=[
            DeviceUse(device="CUDA0", parts=Parts(weights=2500 * MB, kv_cache=3900 * MB)),
            DeviceUse(device="CPU", parts=Parts(process=320 * MB, caches=90 * MB)),
        ],
    )
    return msgspec.structs.replace(model, **changes)


def request(
    number: int = 1, state: RequestState = RequestState.WRITING, **changes: object
) -> RequestReport:
    report = RequestReport(
        id=number,
        trace=f"trace-{number}",
        model="qwen3-4b",
        client="user:ann",
        lane=Lane.INTERACTIVE,
        state=state,
        reason="",
        position=None,
        estimated_wait=None,
        queued=0.0,
        first_token=0.35,
        arrived=NOW - 3,
        age=3.2,
        prompt_tokens=1200,
        read_tokens=1200,
        cached_tokens=800,
        cache_miss=None,
        missed="",
        generated_tokens=96,
        tokens_per_second=41.3,
        drafted_tokens=0,
        accepted_tokens=0,
        draft_acceptance=None,
    )
    return msgspec.structs.replace(report, **changes)


REQUESTS = RequestList(
    live=[
        request(12, client="user:ann"),
        request(
            13,
            RequestState.READING,
            client="key:9f2c",
            first_token=None,
            read_tokens=480,
            generated_tokens=0,
            tokens_per_second=None,
        ),
        request(
            14,
            RequestState.QUEUED,
            client="张伟",
            position=2,
            estimated_wait=4.2,
            first_token=None,
            read_tokens=0,
            generated_tokens=0,
            tokens_per_second=None,
            lane=Lane.BATCH,
        ),
    ],
    ended=[
        request(9, RequestState.DONE, reason="stop", queued=0.12),
        request(10, RequestState.FAILED, reason="context_overflow", first_token=None),
        request(
            11,
            RequestState.DONE,
            reason="length",
            cached_tokens=40,
            missed="the system prompt differs: Tuesday, not Monday",
            drafted_tokens=50,
            accepted_tokens=31,
        ),
    ],
)


def status(models: list[LoadedModel]) -> StatusReport:
    return StatusReport(
        version="0.1.0",
        llama_cpp="0.3.36",
        pid=1,
        started_at=NOW - 7500,
        state="running",
        address="http://127.0.0.1:8000",
        socket="/run/llmd.sock",
        log_file="/var/log/llmd.log",
        resident=110 * MB,
        memory_used=9 * GB,
        memory_total=32 * GB,
        requests=3,
        loaded=models,
        connections=4,
    )


def history(models: list[LoadedModel], length: int = 60) -> History:
    wave = [round(100 + 80 * ((place * 7) % 13) / 13, 1) for place in range(length)]
    return History(
        moments=[NOW - length + place for place in range(length)],
        cpu=[value / 2 for value in wave],
        memory_used=[9 * GB] * length,
        models={
            model.name: ModelHistory(
                generated=wave,
                read=[value * 5 for value in reversed(wave)],
                first_token=[
                    0.2 + place % 5 / 10 if place % 3 else None for place in range(length)
                ],
                running=[5] * length,
                waiting=[2] * length,
                kv_used=[21000] * length,
            )
            for model in models
        },
    )


def snapshot(models: list[LoadedModel] | None = None, **changes: object) -> Snapshot:
    found = [loaded()] if models is None else models
    made = Snapshot(
        at=NOW,
        status=status(found),
        requests=REQUESTS,
        machine=MachineLoad(
            cpu=63.0,
            cores=16,
            memory_used=9 * GB,
            memory_total=32 * GB,
            gpus=[GpuLoad(device="CUDA0", description="GPU", total=24 * GB, free=17 * GB)],
        ),
        history=history(found),
    )
    return msgspec.structs.replace(made, **changes)


EMPTY = snapshot([], requests=RequestList([], []), history=History())
"""Of a daemon that has nothing to do."""

PULL = PullProgress(
    status="downloading",
    name="gemma-3-12b",
    done=3 * GB,
    total=8 * GB,
    rate=24.0 * MB,
    remaining=208.0,
)
VARIANT = QuantizeProgress(
    status="quantizing",
    name="qwen3-4b:q4_0",
    source="qwen3-4b",
    type="Q4_0",
    tensor=120,
    tensors=400,
    done=1 * GB,
    total=2 * GB,
)
DEPLOYMENT = Deployment(
    id="d1",
    model_id="deepseek-v3-7b",
    status=DeploymentStatus.IN_PROGRESS,
    progress=35,
    current_stage=StageName.DOWNLOADING,
    stages=[Stage(name=StageName.DOWNLOADING)],
    logs=[],
    nodes=["here"],
    created_at=NOW,
    updated_at=NOW,
    order=DeploymentOrder(model_type="deepseek-v3", model_size="7b"),
)
BUSY = snapshot(downloads=[PULL], quantizations=[VARIANT], deployments=[DEPLOYMENT])
"""Of one that has everything to do."""
