"""All services together, as the composition root hands them to the front ends."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from llmd.config.settings import MediaSettings, SamplingSettings, SecuritySettings
from llmd.services.access import Access
from llmd.services.adapters import Adapters
from llmd.services.adoption import Adoption
from llmd.services.audit import Audit
from llmd.services.catalog import CatalogSearch
from llmd.services.connections import Connections
from llmd.services.constraints import Constraints
from llmd.services.conversations import Conversations
from llmd.services.defaults import Defaults
from llmd.services.deployments import Deployments
from llmd.services.descriptions import Descriptions
from llmd.services.directory import Directory
from llmd.services.feed import Feed
from llmd.services.generation import Generation
from llmd.services.jobs import Jobs
from llmd.services.keys import Keys
from llmd.services.library import Library
from llmd.services.limits import Limits
from llmd.services.logbook import Logbook
from llmd.services.login import Login
from llmd.services.planning import Planning
from llmd.services.presets import Presets
from llmd.services.pulls import Pulls
from llmd.services.quantization import Quantization
from llmd.services.requests import Requests
from llmd.services.residents import Residents
from llmd.services.sessions import Sessions
from llmd.services.settings import Configuration
from llmd.services.signing import Signing
from llmd.services.status import Status
from llmd.services.stock import Stock
from llmd.services.turns import Turns
from llmd.services.upkeep import Upkeep
from llmd.services.usage import Usage
from llmd.services.users import Users
from llmd.services.variants import Variants
from llmd.services.verification import Verification
from llmd.telemetry.metrics import Metrics
from llmd.telemetry.tracing import Tracing


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What front ends may use."""

    access: Access
    adapters: Adapters
    adoption: Adoption
    audit: Audit
    catalog: CatalogSearch
    connections: Connections
    constraints: Constraints
    conversations: Conversations
    deployments: Deployments
    descriptions: Descriptions
    directory: Directory
    feed: Feed
    defaults: Defaults
    generation: Generation
    jobs: Jobs
    keys: Keys
    library: Library
    logbook: Logbook
    login: Login
    limits: Limits
    planning: Planning
    requests: Requests
    quantization: Quantization
    residents: Residents
    sessions: Sessions
    settings: Configuration
    signing: Signing
    presets: Presets
    pulls: Pulls
    status: Status
    stock: Stock
    turns: Turns
    upkeep: Upkeep
    users: Users
    usage: Usage
    verification: Verification
    metrics: Metrics
    tracing: Tracing
    variants: Variants
    sampling: SamplingSettings
    media: MediaSettings = MediaSettings()
    security: SecuritySettings = SecuritySettings()
    shutdown: Callable[[bool], None]
    """Stop the daemon; True: without waiting for running answers."""
