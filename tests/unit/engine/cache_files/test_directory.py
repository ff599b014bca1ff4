"""Files that are there whole or not at all, and room for more of them."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from llmd.engine.cache_files.directory import Directory
from llmd.engine.cache_files.format import Encoded

CONTENT = Encoded(b"start", (memoryview(b"x" * 995),))
"""1,000 bytes."""


def opened(path: Path, limit: int = 10_000, spare: int = 0) -> Directory:
    directory = Directory(path / "prefixes", limit=limit, spare=spare)
    directory.prepare()
    return directory


def put(directory: Directory, path: Path, name: str, used: int) -> None:
    """Write a file that was used last at a given time."""
    directory.write(name, CONTENT)
    os.utime(path / "prefixes" / name, ns=(used, used))


def names(directory: Directory) -> list[str]:
    return [stored.name for stored in directory.files()]


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    directory = opened(tmp_path)
    directory.write("a.kv", CONTENT)
    file = tmp_path / "prefixes" / "a.kv"
    assert file.read_bytes() == b"start" + b"x" * 995
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_files_are_listed_by_their_last_use(tmp_path: Path) -> None:
    directory = opened(tmp_path)
    for name, used in (("a-1.kv", 10), ("a-2.kv", 30), ("b-3.kv", 20)):
        put(directory, tmp_path, name, used)
    assert names(directory) == ["a-2.kv", "b-3.kv", "a-1.kv"]
    assert [stored.name for stored in directory.files("a-")] == ["a-2.kv", "a-1.kv"]
    assert directory.touch("a-1.kv")
    assert names(directory)[0] == "a-1.kv"
    assert not directory.touch("gone.kv")


def test_the_files_unused_for_longest_make_room(tmp_path: Path) -> None:
    directory = opened(tmp_path, limit=3500)
    for name, used in (("new.kv", 30), ("old.kv", 10), ("middle.kv", 20)):
        put(directory, tmp_path, name, used)
    assert directory.make_room(500)
    assert len(names(directory)) == 3
    assert directory.make_room(2000)
    assert names(directory) == ["new.kv"]


def test_what_can_never_fit_removes_nothing(tmp_path: Path) -> None:
    directory = opened(tmp_path, limit=3500)
    put(directory, tmp_path, "a.kv", 10)
    assert not directory.make_room(3501)
    full = opened(tmp_path, limit=1 << 40, spare=1 << 62)
    assert not full.make_room(1)
    assert names(directory) == ["a.kv"]


def test_files_in_the_making_count(tmp_path: Path) -> None:
    directory = opened(tmp_path, limit=3000)
    put(directory, tmp_path, "a.kv", 10)
    (tmp_path / "prefixes" / "b.kv.part").write_bytes(b"x" * 1500)
    assert directory.make_room(1000)
    assert names(directory) == []


def test_links_folders_and_strangers_are_left_alone(tmp_path: Path) -> None:
    directory = opened(tmp_path, limit=1000)
    inside = tmp_path / "prefixes"
    (tmp_path / "precious").write_bytes(b"x" * 5000)
    (inside / "link.kv").symlink_to(tmp_path / "precious")
    (inside / "folder.kv").mkdir()
    (inside / "notes.txt").write_text("mine")
    os.mkfifo(inside / "pipe.kv")
    assert directory.make_room(1000)
    assert len(list(inside.iterdir())) == 4
    with pytest.raises(OSError, match="link"):
        directory.open("link.kv")


def test_what_a_killed_process_left_is_swept_up(tmp_path: Path) -> None:
    directory = opened(tmp_path)
    left = tmp_path / "prefixes" / "a.kv.0000.part"
    left.write_bytes(b"half")
    with left.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        directory.prepare()
        assert left.exists()
    directory.prepare()
    assert not left.exists()


WRITER = """
import signal, sys
from pathlib import Path
from llmd.engine.cache_files.directory import Directory
from llmd.engine.cache_files.format import Encoded

directory = Directory(Path(sys.argv[1]), limit=1 << 40, spare=0)
content = Encoded(b"start", (memoryview(bytes(1 << 20)),) * 16)
for count in range(10_000):
    directory.write(f"{count % 3}.kv", content)
    print(count, flush=True)
"""


def test_a_process_killed_while_it_writes_leaves_whole_files_only(tmp_path: Path) -> None:
    directory = opened(tmp_path)
    inside = tmp_path / "prefixes"
    whole = len(b"start") + (16 << 20)
    cut_off = 0
    for _ in range(20):
        command = [sys.executable, "-c", WRITER, str(inside)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            process.stdout.readline()
            # the third file is on its way
            while not list(inside.glob("*.part")) and process.poll() is None:
                pass
            process.send_signal(signal.SIGKILL)
            process.stdout.read()
        cut_off += len(list(inside.glob("*.part")))
        assert {stored.size for stored in directory.files()} == {whole}
        directory.prepare()
        assert list(inside.glob("*.part")) == []
        if cut_off:
            return
    pytest.fail("no process was killed in the middle of a file")


FULL = """
import resource, sys
from pathlib import Path
from llmd.engine.cache_files.directory import Directory
from llmd.engine.cache_files.format import Encoded

resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
directory = Directory(Path(sys.argv[1]), limit=1 << 40, spare=0)
try:
    directory.write("b.kv", Encoded(b"start", (memoryview(bytes(10_000)),)))
except OSError as error:
    print(error.strerror)
"""


def test_a_file_that_finds_no_room_leaves_nothing_behind(tmp_path: Path) -> None:
    directory = opened(tmp_path)
    directory.write("a.kv", CONTENT)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    command = [sys.executable, "-c", FULL, str(tmp_path / "prefixes")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "large" in run.stdout
    assert [file.name for file in (tmp_path / "prefixes").iterdir()] == ["a.kv"]


def test_the_stamp_tells_of_changes(tmp_path: Path) -> None:
    directory = opened(tmp_path)
    assert directory.stamp() == 0  # just made: more may come unnoticed
    stamps = set()
    for used in (10, 20):
        directory.write(f"{used}.kv", CONTENT)
        os.utime(tmp_path / "prefixes", ns=(used, used))
        assert directory.stamp() == directory.stamp()
        stamps.add(directory.stamp())
    assert stamps == {10, 20}


SMALL_DISK = """
import os, sys
from pathlib import Path
from llmd.engine.cache_files.directory import Directory
from llmd.engine.cache_files.format import Encoded

inside = Path(sys.argv[1])
directory = Directory(inside, limit=1 << 40, spare=0)
directory.prepare()
directory.write("a.kv", Encoded(b"start", (memoryview(bytes(600 << 10)),)))
more = Encoded(b"start", (memoryview(bytes(700 << 10)),))
try:
    directory.write("b.kv", more)
except OSError as error:
    print(error.strerror, os.listdir(inside))
print(directory.make_room(2 << 20), os.listdir(inside))
print(directory.make_room(more.nbytes), os.listdir(inside))
directory.write("b.kv", more)
print(os.listdir(inside))
"""


def test_a_full_disk_leaves_nothing_behind_and_old_files_make_room(tmp_path: Path) -> None:
    # a file system of 1 MB, seen by this child alone
    shell = f'mount -t tmpfs -o size=1m tmpfs "{tmp_path}" && exec "$0" "$@"'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", shell]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("this system lets nobody mount a file system of their own")
    command += [sys.executable, "-c", SMALL_DISK, str(tmp_path / "prefixes")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [
        "No space left on device ['a.kv']",
        "False ['a.kv']",
        "True []",
        "['b.kv']",
    ]
