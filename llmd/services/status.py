"""How the daemon is: for `llmd status` and the health check."""

from __future__ import annotations

import os
import time
from importlib.metadata import version

import msgspec
import psutil

from llmd import __version__
from llmd.protocol.reports import StatusReport
from llmd.runtime.pool import Pool
from llmd.services.connections import Connections
from llmd.services.gate import Gate


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """Where the daemon can be reached and where it writes."""

    address: str
    grpc: str = ""
    socket: str
    log_file: str
    security: str = "open"
    """Who may call there."""


class Status:
    """Puts the report together."""

    def __init__(self, pool: Pool, gate: Gate, connections: Connections) -> None:
        self._pool = pool
        self._gate = gate
        self._connections = connections
        self._started_at = time.time()
        self._llama_cpp = version("llama-cpp-python")  # looked up on the disk
        self._where = Whereabouts(address="", socket="", log_file="")

    def settle(self, where: Whereabouts) -> None:
        """Learn the addresses once the listeners are up."""
        self._where = where

    def report(self) -> StatusReport:
        """Look now."""
        memory = psutil.virtual_memory()
        return StatusReport(
            version=__version__,
            llama_cpp=self._llama_cpp,
            pid=os.getpid(),
            started_at=self._started_at,
            state="draining" if self._gate.draining else "running",
            address=self._where.address,
            grpc=self._where.grpc,
            socket=self._where.socket,
            log_file=self._where.log_file,
            resident=psutil.Process().memory_info().rss,
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            requests=self._gate.inside,
            connections=self._connections.open,
            security=self._where.security,
            loaded=self._pool.loaded(),
            failures=self._pool.failures(),
        )
