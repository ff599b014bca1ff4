"""All services together, as the composition root hands them to the front ends."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from llmd.config.settings import MediaSettings, SamplingSettings
from llmd.services.access import Access
from llmd.services.adapters import Adapters
from llmd.services.adoption import Adoption
from llmd.services.catalog import CatalogSearch
from llmd.services.constraints import Constraints
from llmd.services.defaults import Defaults
from llmd.services.descriptions import Descriptions
from llmd.services.generation import Generation
from llmd.services.library import Library
from llmd.services.planning import Planning
from llmd.services.presets import Presets
from llmd.services.pulls import Pulls
from llmd.services.quantization import Quantization
from llmd.services.requests import Requests
from llmd.services.residents import Residents
from llmd.services.status import Status
from llmd.services.upkeep import Upkeep
from llmd.services.variants import Variants
from llmd.services.verification import Verification
from llmd.telemetry.metrics import Metrics


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What front ends may use."""

    access: Access
    adapters: Adapters
    adoption: Adoption
    catalog: CatalogSearch
    constraints: Constraints
    descriptions: Descriptions
    defaults: Defaults
    generation: Generation
    library: Library
    planning: Planning
    requests: Requests
    quantization: Quantization
    residents: Residents
    presets: Presets
    pulls: Pulls
    status: Status
    upkeep: Upkeep
    verification: Verification
    metrics: Metrics
    variants: Variants
    sampling: SamplingSettings
    media: MediaSettings = MediaSettings()
    shutdown: Callable[[bool], None]
    """Stop the daemon; True: without waiting for running answers."""
