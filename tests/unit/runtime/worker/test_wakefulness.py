from __future__ import annotations

from llmd.engine.bindings import Device
from llmd.engine.bindings.devices import DeviceKind
from llmd.runtime.worker.wakefulness import Wakefulness, asleep


def card(name: str, total: int = 100) -> Device:
    return Device(name, "A card", DeviceKind.GPU, total, total)


MAIN = Device("CPU", "", DeviceKind.CPU, 100, 100)


class Machine:
    """A machine that sleeps when a test says so."""

    def __init__(self, *devices: Device) -> None:
        self.devices = [*devices, MAIN]
        self.slept = 0.0
        self.looks = 0

    def look(self) -> list[Device]:
        self.looks += 1
        return self.devices

    def watch(self, *, used: bool = True) -> Wakefulness:
        return Wakefulness(used, self.look, lambda: self.slept)


def test_nobody_looks_while_the_machine_is_awake() -> None:
    machine = Machine(card("CUDA0"))
    watch = machine.watch()
    machine.devices = []
    machine.slept += 0.5
    assert watch.lost() == []
    assert machine.looks == 1


def test_a_gpu_that_is_gone_after_sleep_is_named_once() -> None:
    machine = Machine(card("CUDA0"), card("CUDA1"))
    watch = machine.watch()
    machine.devices = [card("CUDA0"), card("CUDA1", total=0), MAIN]
    machine.slept += 3600
    assert watch.lost() == ["CUDA1"]
    assert watch.lost() == []


def test_gpus_that_came_back_are_no_loss() -> None:
    machine = Machine(card("CUDA0"))
    watch = machine.watch()
    machine.slept += 60
    assert watch.lost() == []
    machine.devices = [MAIN]
    machine.slept += 60
    assert watch.lost() == ["CUDA0"]


def test_a_model_on_the_cpu_does_not_care() -> None:
    machine = Machine(card("CUDA0"))
    watch = machine.watch(used=False)
    machine.devices = [MAIN]
    machine.slept += 60
    assert watch.lost() == []
    assert machine.looks == 0


def test_the_time_asleep_does_not_go_back() -> None:
    first = asleep()
    assert first >= -0.1
    assert asleep() - first < 1
