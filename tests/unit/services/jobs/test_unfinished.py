from __future__ import annotations

from pathlib import Path

import pytest

from llmd.services.jobs import PullOrder, Unfinished


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "downloads.json"


async def kept(file: Path, *orders: PullOrder) -> None:
    unfinished = Unfinished(file)
    await unfinished.read()
    unfinished.keep(lambda: orders)
    await unfinished.close()


async def test_what_was_kept_is_found_by_the_next_daemon(file: Path) -> None:
    order = PullOrder(model="acme/m", limit=5, now=True)
    await kept(file, order)
    assert await Unfinished(file).read() == [order]


async def test_where_nothing_is_unfinished_there_is_no_file(file: Path) -> None:
    await kept(file, PullOrder(model="m"))
    await kept(file)
    assert not file.exists()
    assert await Unfinished(file).read() == []


@pytest.mark.parametrize("content", [b"", b"{", b'[{"type": "load"}]', b"\xff"])
async def test_a_damaged_file_is_passed_over(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert await Unfinished(file).read() == []


async def test_a_disk_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    await kept(tmp_path / "state" / "downloads.json", PullOrder(model="m"))


async def test_changes_that_come_while_it_is_written_are_written_too(file: Path) -> None:
    unfinished = Unfinished(file)
    orders: list[PullOrder] = []
    for name in "abc":
        orders.append(PullOrder(model=name))
        unfinished.keep(lambda: orders)
    await unfinished.close()
    assert [order.model for order in await Unfinished(file).read()] == ["a", "b", "c"]
