"""Whole transfers from a server that goes wrong: one fault a test."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from llmd.errors import AccessDenied, CorruptFile, DownloadFailed, ModelNotFound, NoRoom
from llmd.models.sources.transfer import Looked, Refused, Remote, Transfer, pieces
from llmd.models.sources.transfer.journal import Identity
from llmd.models.sources.transfer.partial import Partial
from tests.fakes.fileserver import BLOCK, FileServer
from tests.unit.models.sources.transfer.conftest import PATH, noise

Said = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "m.gguf"


@pytest.fixture
def plain(remote: Remote, transfer: Transfer) -> Remote:
    """The file as a plain web server describes it: with a version, without a digest."""
    return transfer.look(replace(remote, size=0, sha256=""))[0]


def notes(said: Said) -> str:
    return " ".join(line["note"] for line in said())


def test_a_file_comes_with_its_digest(
    transfer: Transfer, remote: Remote, target: Path, content: bytes, said: Said
) -> None:
    transfer.report.total = len(content)
    stored = transfer.fetch(remote, target)
    assert target.read_bytes() == content
    assert (stored.sha256, stored.size, stored.fresh) == (remote.sha256, len(content), True)
    assert [file.name for file in target.parent.iterdir() if file.is_file()] == ["m.gguf"]
    assert transfer.report.complete == len(content)
    assert said()[0]["status"] == "downloading"


def test_what_is_kept_of_it_can_mend_it(
    transfer: Transfer, remote: Remote, target: Path, tmp_path: Path
) -> None:
    transfer.fetch(remote, target)
    record = pieces.find(tmp_path / "records", remote.sha256)
    assert record
    assert (record.url, record.source, record.size) == (remote.url, "test", remote.size)
    assert record.marks == {remote.size: remote.sha256}


def test_one_that_is_there_is_not_fetched(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, content: bytes
) -> None:
    target.write_bytes(content)
    assert not transfer.fetch(remote, target).fresh
    assert site.asked == []


def test_a_cut_is_continued(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, content: bytes
) -> None:
    site.faults.cut_after = [4 * BLOCK, 5 * BLOCK, 0]
    transfer.fetch(remote, target)
    assert target.read_bytes() == content
    assert [asked.start for asked in site.contents] == [0, 4 * BLOCK, 9 * BLOCK, 9 * BLOCK]


def test_a_stall_is_given_up_and_continued(
    impatient: Transfer, remote: Remote, target: Path, site: FileServer, said: Said
) -> None:
    site.faults.stall_after = [3 * BLOCK]
    impatient.fetch(remote, target)
    # a busy machine may have let a connection go before
    starts = [asked.start for asked in site.contents]
    assert starts[0] == 0
    assert 3 * BLOCK in starts
    assert "nothing came for too long" in notes(said)


def test_a_drip_is_shown_and_waited_for(
    transfer: Transfer, plain: Remote, target: Path, site: FileServer, said: Said
) -> None:
    site.files[PATH] = noise(6000)
    site.faults.block, site.faults.pause = 100, 0.02
    transfer.fetch(transfer.look(replace(plain, size=0, etag=""))[0], target)
    amounts = [line["done"] for line in said() if line["status"] == "downloading"]
    assert len({amount for amount in amounts if 0 < amount < 6000}) > 1
    assert len(site.contents) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_faults_that_pass_are_waited_out(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, status: int, said: Said
) -> None:
    site.faults.refuse = [status, status]
    transfer.fetch(remote, target)
    assert len(site.asked) == 3
    assert f"HTTP {status}" in notes(said)


def test_the_servers_wish_to_wait_is_heard(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, said: Said
) -> None:
    site.faults.refuse, site.faults.retry_after = [429], "1"
    transfer.fetch(remote, target)
    assert "trying again in 1 s" in notes(said)


def test_a_wish_beyond_reason_is_reported(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer
) -> None:
    site.faults.refuse, site.faults.retry_after = [429], "7200"
    with pytest.raises(DownloadFailed, match="too many requests") as failure:
        transfer.fetch(remote, target)
    assert "7200 seconds" in failure.value.hint


def test_a_server_that_stays_broken_is_reported_and_what_came_is_kept(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, content: bytes
) -> None:
    site.faults.cut_after = [4 * BLOCK]
    site.faults.refuse = [0, *[500] * 9]
    with pytest.raises(DownloadFailed, match="HTTP 500") as failure:
        transfer.fetch(remote, target)
    assert "kept" in failure.value.hint
    site.faults.refuse = []
    transfer.fetch(remote, target)
    assert target.read_bytes() == content
    assert site.contents[-1].start == 4 * BLOCK


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AccessDenied), (403, AccessDenied), (404, ModelNotFound)]
)
def test_what_does_not_pass_is_reported_at_once(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, status: int, kind: type
) -> None:
    site.faults.refuse = [status] * 2
    with pytest.raises(kind):
        transfer.fetch(remote, target)
    assert len(site.asked) == 1


def test_bytes_with_another_digest_are_fetched_once_more_then_refused(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer
) -> None:
    wrong = replace(remote, sha256="ab" * 32)
    with pytest.raises(DownloadFailed, match="not what the source says") as failure:
        transfer.fetch(wrong, target)
    assert failure.value.details == {"expected": "ab" * 32, "got": remote.sha256}
    assert remote.sha256 in failure.value.message
    assert len(site.contents) == 2
    assert [file for file in target.parent.iterdir() if file.is_file()] == []


def test_bytes_that_were_wrong_once_are_right_the_second_time(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, content: bytes, said: Said
) -> None:
    site.files[PATH] = content[:-1] + b"?"
    site.faults.pause = 0.001

    def mend() -> None:
        while not any(asked.sent == len(content) for asked in site.contents):
            time.sleep(0.001)
        site.files[PATH] = content

    mending = threading.Thread(target=mend, daemon=True)
    mending.start()
    transfer.fetch(remote, target)
    mending.join()
    assert target.read_bytes() == content
    assert "not what the source says" in notes(said)


@pytest.mark.parametrize("announced", [999_000, 1_001_000])
def test_a_length_other_than_the_known_one_is_refused(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, announced: int
) -> None:
    site.faults.announced = announced
    with pytest.raises(DownloadFailed, match="another length") as failure:
        transfer.fetch(remote, target)
    assert failure.value.details == {"expected": remote.size, "got": announced}


def test_more_than_was_known_is_refused(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, content: bytes
) -> None:
    site.faults.chunked = True
    site.files[PATH] = content + b"and more"
    with pytest.raises(DownloadFailed, match="more than"):
        transfer.fetch(remote, target)
    assert not target.exists()


def test_a_file_that_changed_between_attempts_begins_again(
    transfer: Transfer, plain: Remote, target: Path, site: FileServer, said: Said
) -> None:
    site.faults.cut_after = [4 * BLOCK, 0]
    site.faults.refuse = [0, *[500] * 9]
    with pytest.raises(DownloadFailed):
        transfer.fetch(plain, target)
    site.faults.refuse, site.faults.cut_after = [], []
    site.files[PATH] = noise(900_000)
    stored = transfer.fetch(transfer.look(replace(plain, size=0, etag=""))[0], target)
    assert target.read_bytes() == site.files[PATH]
    assert stored.sha256 == hashlib.sha256(site.files[PATH]).hexdigest()
    assert "changed at the source" in notes(said)


def test_a_file_that_changes_meanwhile_begins_again(
    transfer: Transfer, plain: Remote, target: Path, site: FileServer, said: Said
) -> None:
    site.faults.cut_after = [4 * BLOCK]
    site.files[PATH] = noise(900_000)
    transfer.fetch(plain, target)
    assert target.read_bytes() == site.files[PATH]
    assert "changed at the source" in notes(said)


def test_ranges_go_with_the_version_they_continue(
    transfer: Transfer, plain: Remote, target: Path, site: FileServer
) -> None:
    site.faults.cut_after = [4 * BLOCK]
    transfer.fetch(plain, target)
    assert site.contents[1].headers["if-range"] == plain.etag


def test_a_server_without_ranges_begins_again(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, content: bytes, said: Said
) -> None:
    site.faults.ranges = False
    site.faults.cut_after = [10 * BLOCK]
    transfer.fetch(remote, target)
    assert target.read_bytes() == content
    assert [asked.start for asked in site.contents] == [0, 0]
    assert "begins again" in notes(said)


def test_another_range_than_asked_for_is_not_taken(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer
) -> None:
    site.faults.shift_ranges = True
    site.faults.cut_after = [4 * BLOCK]
    with pytest.raises(DownloadFailed, match="another range"):
        transfer.fetch(remote, target)


def test_without_version_or_digest_an_attempt_begins_anew(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, content: bytes
) -> None:
    site.faults.etag = "none"
    nameless = replace(remote, sha256="")
    with Partial(target, Identity(nameless.size)) as partial:
        partial.write(0, memoryview(bytes(500_000)))
    transfer.fetch(nameless, target)
    assert target.read_bytes() == content


def test_a_length_that_nobody_knows_ends_with_the_answer(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, content: bytes
) -> None:
    site.faults.chunked, site.faults.ranges = True, False
    stored = transfer.fetch(replace(remote, size=0, sha256=""), target)
    assert target.read_bytes() == content
    assert stored.sha256 == remote.sha256


def test_an_empty_answer_is_an_error(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer
) -> None:
    site.files[PATH] = b""
    with pytest.raises(DownloadFailed, match="empty"):
        transfer.fetch(replace(remote, size=0, sha256=""), target)


def test_a_web_page_is_recognised_by_its_first_bytes(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer
) -> None:
    site.faults.page = True
    with pytest.raises(CorruptFile, match="a web page"):
        transfer.fetch(replace(remote, size=0, sha256=""), target)
    assert [file for file in target.parent.iterdir() if file.is_file()] == []


def test_what_need_not_be_a_gguf_may_begin_anyhow(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer
) -> None:
    site.files[PATH] = b"{}"
    transfer.fetch(replace(remote, size=2, sha256="", magic=b""), target)
    assert target.read_bytes() == b"{}"


def test_damage_on_the_disk_is_found_and_only_that_piece_comes_again(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, said: Said
) -> None:
    size, piece = 50 * 2**20, 16 * 2**20
    site.files[PATH] = large = noise(size)
    known = replace(remote, size=size, sha256=hashlib.sha256(large).hexdigest())
    site.faults.cut_after = [40 * 2**20]
    site.faults.refuse = [0, *[500] * 9]
    with pytest.raises(DownloadFailed):
        transfer.fetch(known, target)
    incomplete = target.with_name("m.gguf.llmd.incomplete")
    with incomplete.open("r+b") as file:
        file.seek(piece + 5)
        file.write(b"damage")
    site.faults.refuse = []
    transfer.fetch(known, target)
    assert target.read_bytes() == large
    later = site.contents[1:]
    assert sum(asked.sent for asked in later) == size - 40 * 2**20 + piece
    assert "1 damaged piece" in notes(said)


def test_a_full_disk_keeps_what_came(
    transfer: Transfer,
    remote: Remote,
    target: Path,
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write, room = os.pwrite, [200_000]

    def pwrite(descriptor: int, data: memoryview, position: int) -> int:
        if position + len(data) > room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data, position)

    transfer.budget.change(400_000)  # which makes chunks of 100,000 bytes
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", pwrite)
        with pytest.raises(NoRoom, match="disk is full") as failure:
            transfer.fetch(remote, target)
    assert "kept" in failure.value.hint
    transfer.budget.change(0)
    transfer.fetch(remote, target)
    assert target.read_bytes() == content


def test_a_limit_of_the_system_itself_is_a_full_disk_too(remote: Remote, tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys, json\n"
        "from pathlib import Path\n"
        "from llmd.models.sources.lines import Terms\n"
        "from llmd.models.sources.report import Report\n"
        "from llmd.models.sources.transfer import Remote, Transfer\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "transfer = Transfer(Report(open('/dev/null', 'wb')), Terms(connections=1, limit=400_000))\n"
        "try:\n"
        "    transfer.fetch(Remote(sys.argv[1], 'm', int(sys.argv[2]), sys.argv[3]), Path(sys.argv[4]))\n"
        "except Exception as error:\n"
        "    print(json.dumps(error.to_wire()))\n"
    )
    target = tmp_path / "m.gguf"
    arguments = [remote.url, str(remote.size), remote.sha256, str(target)]
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    assert json.loads(ran.stdout)["code"] == "no_room"
    with Partial(target, Identity(remote.size, remote.sha256)) as partial:
        assert partial.done >= 200_000


def test_another_process_is_waited_for(
    transfer: Transfer, remote: Remote, target: Path, content: bytes, said: Said
) -> None:
    identity = Identity(remote.size, remote.sha256)
    with Partial(target, identity) as partial:
        partial.write(0, memoryview(content)[:300_000])
        waiting = threading.Thread(target=transfer.fetch, args=(remote, target), daemon=True)
        waiting.start()
        while not any(line["status"] == "waiting" for line in said()):
            time.sleep(0.001)
        partial.write(300_000, memoryview(content)[300_000:])
        partial.finish()
    waiting.join(10)
    assert not waiting.is_alive()
    shown = next(line for line in said() if line["status"] == "waiting")
    assert shown["done"] >= 300_000


def test_several_connections_bring_one_file(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr("llmd.models.sources.transfer.lanes.STRETCH", 2**20)
    monkeypatch.setattr("llmd.models.sources.transfer.lanes._WORTH", 2**20)
    monkeypatch.setattr("llmd.models.sources.transfer.lanes._FIRST_LOOK", 0.05)
    monkeypatch.setattr("llmd.models.sources.transfer.lanes._PERIOD", 0.3)
    site.files[PATH] = large = noise(24 * 2**20)
    site.faults.pause = 0.005
    transfer.terms = type(transfer.terms)(connections=3)
    stored = transfer.fetch(
        replace(remote, size=len(large), sha256=hashlib.sha256(large).hexdigest()), target
    )
    assert stored.path.read_bytes() == large
    assert len({asked.start for asked in site.contents}) > 2
    assert sum(asked.sent for asked in site.contents) < len(large) * 1.5


def test_a_server_that_takes_one_connection_gets_one(
    transfer: Transfer, remote: Remote, target: Path, site: FileServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr("llmd.models.sources.transfer.lanes.STRETCH", 2**20)
    monkeypatch.setattr("llmd.models.sources.transfer.lanes._WORTH", 2**20)
    monkeypatch.setattr("llmd.models.sources.transfer.lanes._FIRST_LOOK", 0.05)
    site.files[PATH] = large = noise(8 * 2**20)
    site.faults.pause, site.faults.most = 0.005, 1
    transfer.terms = type(transfer.terms)(connections=4)
    transfer.fetch(
        replace(remote, size=len(large), sha256=hashlib.sha256(large).hexdigest()), target
    )
    assert target.read_bytes() == large
    assert [asked.status for asked in site.asked].count(503) == 1


def test_small_answers_come_whole(transfer: Transfer, site: FileServer) -> None:
    site.files["/list"] = b"[1]"
    site.faults.refuse = [503]
    reply = transfer.ask(f"{site.url}/list", {"X-Token": "t"})
    assert (reply.status, reply.body) == (200, b"[1]")
    assert site.asked[1].headers["x-token"] == "t"


def test_small_answers_that_are_not_small_are_refused(transfer: Transfer, remote: Remote) -> None:
    with pytest.raises(DownloadFailed, match="more than 100 bytes"):
        transfer.ask(remote.url, limit=100)


def test_refusals_of_small_answers_are_the_callers_to_judge(
    transfer: Transfer, site: FileServer
) -> None:
    with pytest.raises(Refused) as refusal:
        transfer.ask(f"{site.url}/nothing")
    assert refusal.value.status == 404


def test_no_server_at_all_is_reported_soon(transfer: Transfer, target: Path) -> None:
    with pytest.raises(DownloadFailed, match="No connection"):
        transfer.ask("http://127.0.0.1:9/list")


def test_who_only_looks_is_told_what_there_is_and_fetches_nothing(
    transfer: Transfer, remote: Remote, target: Path, said: Said
) -> None:
    transfer.terms = msgspec.structs.replace(transfer.terms, look=True)
    with pytest.raises(Looked):
        transfer.check_room("m", [(remote, target)])
    with pytest.raises(NoRoom):
        transfer.check_room("m", [(replace(remote, size=10**17), target)])
    found = [(line["status"], line["total"]) for line in said()]
    assert found == [("found", remote.size), ("room", 0), ("found", 10**17)]
    assert not target.exists()


def test_room_is_asked_for_before(transfer: Transfer, remote: Remote, target: Path) -> None:
    with pytest.raises(NoRoom):
        transfer.check_room("m", [(replace(remote, size=10**17), target)])
