"""Structs of the native API."""

from __future__ import annotations

import msgspec


class Health(msgspec.Struct, frozen=True):
    """`GET /health`."""

    status: str
    model_loaded: bool
    memory_usage: str
    active_connections: int
