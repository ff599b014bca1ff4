"""How the daemon is: for `llmd status` and the health check."""

from __future__ import annotations

import os
import time
from importlib.metadata import version

import msgspec
import psutil

from llmd import __version__
from llmd.protocol.models import LoadedModel
from llmd.runtime.pool import Pool
from llmd.services.gate import Gate


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the daemon; sizes in bytes."""

    version: str
    llama_cpp: str
    """Version of llama-cpp-python."""
    pid: int
    started_at: float
    state: str
    """`running` or `draining`."""
    address: str
    socket: str
    log_file: str
    resident: int
    """Resident set of the daemon process."""
    memory_used: int
    memory_total: int
    requests: int
    """Requests being answered, waiting ones included."""
    loaded: list[LoadedModel]


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """Where the daemon can be reached and where it writes."""

    address: str
    socket: str
    log_file: str


class Status:
    """Puts the report together."""

    def __init__(self, pool: Pool, gate: Gate) -> None:
        self._pool = pool
        self._gate = gate
        self._started_at = time.time()
        self._where = Whereabouts(address="", socket="", log_file="")

    def settle(self, where: Whereabouts) -> None:
        """Learn the addresses once the listeners are up."""
        self._where = where

    def report(self) -> StatusReport:
        """Look now."""
        memory = psutil.virtual_memory()
        return StatusReport(
            version=__version__,
            llama_cpp=version("llama-cpp-python"),
            pid=os.getpid(),
            started_at=self._started_at,
            state="draining" if self._gate.draining else "running",
            address=self._where.address,
            socket=self._where.socket,
            log_file=self._where.log_file,
            resident=psutil.Process().memory_info().rss,
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            requests=self._gate.inside,
            loaded=self._pool.loaded(),
        )
