from __future__ import annotations

from pathlib import Path

import pytest

from llmd.runtime.processor import _linux, processor


def test_this_machine_has_a_processor_with_a_name() -> None:
    assert processor()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor : 0\nmodel name\t: Some CPU @ 3GHz\nflags : a b\n", "Some CPU @ 3GHz"),
        ("processor : 0\nHardware\t: BCM2711\n", "BCM2711"),
        ("processor : 0\nmodel name :\n", ""),
    ],
)
def test_the_name_is_found_where_the_kernel_says_it(tmp_path: Path, text: str, name: str) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(text)
    assert _linux(file) == name


def test_a_kernel_that_says_nothing_is_no_error(tmp_path: Path) -> None:
    assert _linux(tmp_path / "nothing") == ""
