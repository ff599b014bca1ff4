"""Status to the native health object. Pure."""

from __future__ import annotations

from llmd.server.dialects.native.schema import Health
from llmd.services.status import StatusReport


def health(report: StatusReport) -> Health:
    """Return the health of the daemon; memory is that of the machine, used and total."""
    used, total = report.memory_used / 2**30, report.memory_total / 2**30
    return Health(
        status="healthy" if report.state == "running" else report.state,
        model_loaded=any(model.pid for model in report.loaded),
        memory_usage=f"{used:.1f}GB/{total:.0f}GB",
        active_connections=report.requests,
    )
