from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from llmd.runtime.main_memory import main_memory

MIB = 2**20


@pytest.fixture
def groups(tmp_path: Path) -> tuple[Path, Path]:
    """The files of control groups, of a process in /outer/inner."""
    listed = tmp_path / "cgroup"
    listed.write_text("0::/outer/inner\n")
    root = tmp_path / "fs"
    (root / "outer" / "inner").mkdir(parents=True)
    return listed, root


def group(folder: Path, limit: str, used: int, cached: int = 0) -> None:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\nactive_file 0\n")


def test_without_limits_it_is_the_machines(tmp_path: Path) -> None:
    found = main_memory(tmp_path / "none", tmp_path)
    assert found.total == psutil.virtual_memory().total
    assert 0 < found.free <= found.total


def test_the_tightest_group_counts(groups: tuple[Path, Path]) -> None:
    listed, root = groups
    group(root / "outer", str(100 * MIB), 30 * MIB)
    group(root / "outer" / "inner", "max", 10 * MIB)
    found = main_memory(listed, root)
    assert (found.total, found.free) == (100 * MIB, 70 * MIB)
    group(root / "outer" / "inner", str(50 * MIB), 45 * MIB)
    found = main_memory(listed, root)
    assert (found.total, found.free) == (50 * MIB, 5 * MIB)


def test_page_cache_of_the_group_counts_as_free(groups: tuple[Path, Path]) -> None:
    listed, root = groups
    group(root / "outer", str(100 * MIB), 90 * MIB, cached=60 * MIB)
    assert main_memory(listed, root).free == 70 * MIB


def test_a_group_over_its_limit_has_nothing_left(groups: tuple[Path, Path]) -> None:
    listed, root = groups
    group(root / "outer", str(10 * MIB), 30 * MIB)
    assert main_memory(listed, root).free == 0


def test_the_older_kind_of_groups_is_read_too(tmp_path: Path) -> None:
    listed = tmp_path / "cgroup"
    listed.write_text("3:cpu,cpuacct:/x\n5:memory:/box\n0::/\n")
    folder = tmp_path / "fs" / "memory" / "box"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text(f"{80 * MIB}")
    (folder / "memory.usage_in_bytes").write_text(f"{50 * MIB}")
    (folder / "memory.stat").write_text(f"total_inactive_file {20 * MIB}\n")
    found = main_memory(listed, tmp_path / "fs")
    assert (found.total, found.free) == (80 * MIB, 50 * MIB)


@pytest.mark.parametrize("text", ["", "nonsense", "0::/../../..\n", "0::/missing/deep\n"])
def test_strange_files_are_passed_over(tmp_path: Path, text: str) -> None:
    listed = tmp_path / "cgroup"
    listed.write_text(text)
    assert main_memory(listed, tmp_path / "fs").total == psutil.virtual_memory().total
