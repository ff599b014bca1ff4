"""What the bar of pages says beside its entries: how much of each kind is under way."""

from __future__ import annotations

from collections.abc import Mapping

from llmd.protocol.callers import Scope
from llmd.protocol.feed import Snapshot
from llmd.server.web.live import Region
from llmd.services.bundle import Services

_TEMPLATE = "admin/bar_count.html"


def requests(services: Services, snapshot: Snapshot) -> Mapping[str, object]:
    """Count requests that are answered or wait."""
    del services
    return {"what": "requests", "number": len(snapshot.requests.live)}


def models(services: Services, snapshot: Snapshot) -> Mapping[str, object]:
    """Count models that are fetched or made."""
    del services
    return {"what": "models", "number": len(snapshot.downloads) + len(snapshot.quantizations)}


def deployments(services: Services, snapshot: Snapshot) -> Mapping[str, object]:
    """Count deployments that go on."""
    del services
    return {"what": "deployments", "number": len(snapshot.deployments)}


REGIONS = (
    Region(name="bar-requests", template=_TEMPLATE, facts=requests),
    Region(name="bar-models", template=_TEMPLATE, facts=models, scope=Scope.MODELS_READ),
    Region(name="bar-deployments", template=_TEMPLATE, facts=deployments, scope=Scope.MODELS_READ),
)
