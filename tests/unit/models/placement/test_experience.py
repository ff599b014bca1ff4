from __future__ import annotations

import threading
from pathlib import Path

import pytest

from llmd.models.placement.correcting import Lesson
from llmd.models.placement.experience import Experience, identity_of
from llmd.protocol.placement import DeviceUse, Parts


def lesson(shape: str = "a", weights: int = 100, seconds: float = 2.0) -> Lesson:
    uses = [DeviceUse(device="CPU", parts=Parts(weights=weights))]
    return Lesson(shape, uses, uses, seconds)


def test_lessons_outlive_the_daemon(tmp_path: Path) -> None:
    file = tmp_path / "state" / "experience.json"
    Experience(file).learn("m", lesson())
    again = Experience(file)
    assert list(again.lessons("m")) == [lesson()]
    assert list(again.lessons("other")) == []
    assert list(file.parent.iterdir()) == [file], "nothing temporary is left"


def test_a_shape_is_kept_once_and_only_the_latest_shapes(tmp_path: Path) -> None:
    experience = Experience(tmp_path / "e.json")
    for number in range(9):
        experience.learn("m", lesson(str(number % 8), weights=number))
    kept = experience.lessons("m")
    assert [one.shape for one in kept] == ["3", "4", "5", "6", "7", "0"]
    assert kept[-1].measured[0].parts.weights == 8


def test_the_models_used_longest_ago_are_forgotten(tmp_path: Path) -> None:
    experience = Experience(tmp_path / "e.json")
    for number in range(101):
        experience.learn(f"m{number}", lesson())
    assert not experience.lessons("m0")
    assert experience.lessons("m1")
    assert experience.lessons("m100")


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"models": 3}', b"\xff\xfe", b"x" * 5_000_000]
)
def test_a_damaged_file_is_begun_again(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "e.json"
    file.write_bytes(damage)
    experience = Experience(file)
    assert not experience.lessons("m")
    experience.learn("m", lesson())
    assert Experience(file).lessons("m")


def test_a_disk_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    experience = Experience(blocked / "e.json")
    experience.learn("m", lesson())
    assert experience.lessons("m")


def test_the_rate_is_that_of_the_middle_load(tmp_path: Path) -> None:
    experience = Experience(tmp_path / "e.json")
    assert experience.rate() is None
    for number, seconds in enumerate((1.0, 2.0, 0.0, 4.0)):
        experience.learn(f"m{number}", lesson(seconds=seconds))
    assert experience.rate() == 50


def test_many_may_learn_at_once(tmp_path: Path) -> None:
    experience = Experience(tmp_path / "e.json")
    threads = [
        threading.Thread(target=experience.learn, args=(f"m{number}", lesson()))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(Experience(tmp_path / "e.json").lessons(f"m{number}") for number in range(20))


def test_a_replaced_file_is_another_model(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"one")
    before = identity_of(file)
    file.write_bytes(b"another")
    assert identity_of(file) != before
    with pytest.raises(OSError):
        identity_of(tmp_path / "gone")
