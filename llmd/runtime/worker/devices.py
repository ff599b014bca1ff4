"""Tells what devices there are and what is free on them: `python -m llmd.runtime.worker.devices`.

Drivers are slow to start, keep memory for every process that looks at them, and end a process they
are unhappy with, so the daemon has a short-lived process look. One line of JSON comes out.
"""

from __future__ import annotations

import sys
from typing import BinaryIO

import msgspec

from llmd.engine.bindings import list_devices, offloads, start_backend, system_info
from llmd.protocol.devices import Gpu, Sighting


def look() -> Sighting:
    """Look at all devices."""
    start_backend(lambda *_: None)
    gpus = [
        Gpu(device.name, device.description, device.total, device.free, device.bus)
        for device in list_devices()
        if offloads(device)
    ]
    return Sighting(gpus, system_info())


def main(out: BinaryIO) -> None:
    """Look, and tell."""
    out.write(msgspec.json.encode(look()) + b"\n")
    out.flush()


if __name__ == "__main__":
    main(sys.stdout.buffer)
