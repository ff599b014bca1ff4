"""What somebody who watches the daemon sees: one `Snapshot` a second."""

from __future__ import annotations

import msgspec

from llmd.protocol.deployments import Deployment
from llmd.protocol.integrity import DiskRoom
from llmd.protocol.models import LoadedModel, PullProgress
from llmd.protocol.quantization import QuantizeProgress
from llmd.protocol.reports import RequestList, StatusReport


class GpuLoad(msgspec.Struct, frozen=True, kw_only=True):
    """One GPU; sizes in bytes."""

    device: str
    """ggml's name, such as `CUDA0`."""
    description: str = ""
    total: int
    free: int


class MachineLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine is busy with; sizes in bytes."""

    cpu: float = 0.0
    """Percent of all cores together, since the snapshot before."""
    cores: int = 1
    memory_used: int = 0
    memory_total: int = 0
    gpus: list[GpuLoad] = []
    """As they were a few seconds ago at most."""
    disk: DiskRoom = DiskRoom()
    """As it was a quarter of a minute ago at most."""


class ModelHistory(msgspec.Struct, frozen=True, kw_only=True):
    """One model over the moments of a `History`; a model that was not loaded then shows zeros."""

    generated: list[float]
    """Tokens per second, of all answers together."""
    read: list[float]
    """Prompt tokens per second."""
    first_token: list[float | None]
    """Mean seconds to the first token, of the answers that began since the moment before; None:
    none did.
    """
    running: list[int]
    """Sequences in the batch."""
    waiting: list[int]
    kv_used: list[int]
    """Cells."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The last two minutes, as far as somebody watched; all lists are as long as `moments`."""

    moments: list[float] = []
    """Seconds since the epoch, oldest first."""
    cpu: list[float] = []
    """Percent."""
    memory_used: list[int] = []
    """Bytes of main memory."""
    models: dict[str, ModelHistory] = {}
    """Of the models that are loaded now."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon and its machine at one moment; a line of `GET /control/feed`."""

    at: float
    """Seconds since the epoch."""
    status: StatusReport
    requests: RequestList
    machine: MachineLoad = MachineLoad()
    downloads: list[PullProgress] = []
    """Models that are being fetched."""
    quantizations: list[QuantizeProgress] = []
    """Variants that are being made."""
    deployments: list[Deployment] = []
    """Those under way."""
    history: History = History()

    @property
    def models(self) -> list[LoadedModel]:
        """What is loaded, loading, leaving or waited for."""
        return self.status.loaded
