"""All services together, as the composition root hands them to the front ends."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from llmd.config.settings import MediaSettings, SamplingSettings
from llmd.services.adapters import Adapters
from llmd.services.constraints import Constraints
from llmd.services.generation import Generation
from llmd.services.library import Library
from llmd.services.pulls import Pulls
from llmd.services.requests import Requests
from llmd.services.residents import Residents
from llmd.services.status import Status
from llmd.telemetry.metrics import Metrics


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What front ends may use."""

    adapters: Adapters
    constraints: Constraints
    generation: Generation
    library: Library
    requests: Requests
    residents: Residents
    pulls: Pulls
    status: Status
    metrics: Metrics
    sampling: SamplingSettings
    media: MediaSettings = MediaSettings()
    shutdown: Callable[[bool], None]
    """Stop the daemon; True: without waiting for running answers."""
