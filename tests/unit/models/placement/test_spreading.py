from __future__ import annotations

from collections import Counter

from llmd.models.placement.spreading import Placing, devices_of


def test_without_gpus_all_is_on_the_cpu() -> None:
    assert devices_of(3, Placing(gpu_layers=4)) == ["CPU"] * 4
    assert devices_of(3, Placing(gpu_layers=0, gpus=("G",))) == ["CPU"] * 4


def test_the_last_layers_are_offloaded_and_the_output_with_them() -> None:
    assert devices_of(3, Placing(gpu_layers=2, gpus=("G",))) == ["CPU", "CPU", "G", "G"]
    assert devices_of(3, Placing(gpu_layers=99, gpus=("G",))) == ["G"] * 4


def test_several_gpus_get_runs_of_layers_by_their_shares() -> None:
    placing = Placing(gpu_layers=8, gpus=("A", "B"), split=(3.0, 1.0))
    assert devices_of(7, placing) == ["A"] * 6 + ["B"] * 2
    even = devices_of(7, Placing(gpu_layers=8, gpus=("A", "B")))
    assert Counter(even) == {"A": 4, "B": 4}


def test_a_gpu_without_a_share_gets_nothing() -> None:
    placing = Placing(gpu_layers=4, gpus=("A", "B"), split=(0.0, 1.0))
    assert devices_of(3, placing) == ["B"] * 4
    short = Placing(gpu_layers=4, gpus=("A", "B"), split=(1.0,))
    assert devices_of(3, short) == ["A"] * 4
