from __future__ import annotations

import psutil

from llmd.engine.bindings.devices import DeviceKind, cpu_buffers, list_devices, offloads


def test_the_cpu_is_always_there_with_all_of_the_memory() -> None:
    (cpu,) = [device for device in list_devices() if device.kind is DeviceKind.CPU]
    assert cpu.name == "CPU"
    assert cpu.description
    assert cpu.bus == ""
    # a moved field of what ggml_backend_dev_get_props fills would show here
    assert cpu.total == psutil.virtual_memory().total
    assert 0 < cpu.free <= cpu.total
    assert not offloads(cpu)


def test_the_cpu_has_a_buffer_type() -> None:
    assert cpu_buffers() == cpu_buffers() != 0
