from __future__ import annotations

from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench


async def test_health_says_whether_requests_are_taken(bench: Bench, connect: Connect) -> None:
    client = await connect()
    assert (await (await client.get("/health")).json())["status"] == "healthy"
    bench.gate.close()
    response = await client.get("/health")
    assert response.status == 503
    assert (await response.json())["status"] == "draining"


async def test_metrics_are_prometheus_text(connect: Connect) -> None:
    response = await (await connect()).get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE model_inference_seconds histogram" in await response.text()
