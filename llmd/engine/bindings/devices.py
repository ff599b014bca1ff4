"""The devices that ggml knows, and what is free on them."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from enum import IntEnum

from llama_cpp._ggml import libggml


class DeviceKind(IntEnum):
    """ggml_backend_dev_type."""

    CPU = 0
    GPU = 1
    INTEGRATED = 2
    ACCELERATOR = 3
    META = 4


@dataclass(frozen=True, slots=True)
class Device:
    """One device; sizes in bytes, 0 where the driver does not say."""

    name: str
    description: str
    kind: DeviceKind
    total: int
    free: int
    bus: str = ""
    """Where it sits, such as `0000:c1:00.0`; empty: not known."""


class _Properties(ctypes.Structure):
    """ggml_backend_dev_props."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("description", ctypes.c_char_p),
        ("memory_free", ctypes.c_size_t),
        ("memory_total", ctypes.c_size_t),
        ("type", ctypes.c_int),
        ("device_id", ctypes.c_char_p),
        ("caps", ctypes.c_bool * 16),  # there are fewer; room is all that is needed
    )


def list_devices() -> list[Device]:
    """Look at all devices; a driver that lost its device may end the process."""
    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    return [_device(libggml.ggml_backend_dev_get(i)) for i in range(_count())]


def only_cpu() -> bool:
    """Whether nothing but the CPU computes: other devices may be given work of layers, too, that
    are not offloaded to them.
    """
    return not any(map(offloads, list_devices()))


def offloads(device: Device) -> bool:
    """Whether layers of a model can lie there."""
    return device.kind in {DeviceKind.GPU, DeviceKind.INTEGRATED}


def cpu_buffers() -> int:
    """Return the buffer type of plain CPU memory, for llama.cpp's overrides."""
    libggml.ggml_backend_cpu_buffer_type.restype = ctypes.c_void_p
    return int(libggml.ggml_backend_cpu_buffer_type())


def _device(pointer: int) -> Device:
    read = libggml.ggml_backend_dev_get_props
    read.argtypes, read.restype = [ctypes.c_void_p, ctypes.POINTER(_Properties)], None
    found = _Properties()
    read(pointer, ctypes.byref(found))
    return Device(
        name=found.name.decode(),
        description=found.description.decode("utf-8", "replace"),
        kind=DeviceKind(found.type),
        total=found.memory_total,
        free=found.memory_free,
        bus=(found.device_id or b"").decode(),
    )


def _count() -> int:
    return int(libggml.ggml_backend_dev_count())
