"""The folder of manifests: damage, the future, ten thousand of them, and other processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from llmd.models import manifest
from llmd.models.manifest import record_path
from llmd.models.records import Records
from llmd.protocol.models import ModelManifest
from tests.fakes.manifests import make_manifest as model


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "models")


def test_a_folder_that_is_not_there_is_empty(records: Records) -> None:
    assert records.models() == []
    assert records.damaged() == []
    assert records.named("x") is None
    assert not records.directory.exists()


def test_one_model_is_found_without_reading_the_others(records: Records) -> None:
    manifest.write(records.directory, model("wanted"), new=True)
    (records.directory / "damaged.json").write_text("{")
    found = records.named("wanted")
    assert found
    assert found.name == "wanted"
    assert records.named("other") is None
    assert records.named("x" * 5000) is None
    assert records.named("a\x00b") is None


def test_damage_is_told_with_its_reason(records: Records) -> None:
    manifest.write(records.directory, model("good"), new=True)
    cut = records.directory / "cut.json"
    cut.write_bytes(record_path(records.directory, "good").read_bytes()[:80])
    assert [found.name for found in records.models()] == ["good"]
    (damaged,) = records.damaged()
    assert damaged.path == cut
    assert damaged.reason


def test_a_newer_record_is_read_as_far_as_it_is_known(records: Records) -> None:
    path = record_path(records.directory, "new")
    manifest.write(records.directory, model("new"), new=True)
    fields = {**json.loads(path.read_text()), "format": 7, "moods": ["merry"]}
    path.write_text(json.dumps(fields))
    (found,) = records.models()
    assert found.format == 7
    manifest.write(records.directory, found, new=False)
    assert json.loads(path.read_text())["moods"] == ["merry"], "the newer llmd wants it back"


def test_a_newer_record_that_cannot_be_read_says_so(records: Records) -> None:
    path = record_path(records.directory, "new")
    manifest.write(records.directory, model("new"), new=True)
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 7, "kind": "dream"}))
    (damaged,) = records.damaged()
    assert damaged.reason.startswith("a newer llmd wrote it")


def test_a_path_in_a_damaged_record_is_still_seen(records: Records) -> None:
    manifest.write(records.directory, model("m"), new=True)
    path = record_path(records.directory, "m")
    path.write_text(path.read_text().replace('"chat"', '"dream"'))
    assert records.mentioned("/models/m.gguf")
    assert not records.mentioned("/models/other.gguf")


def test_what_another_process_writes_counts_at_once(records: Records) -> None:
    assert records.models() == []
    manifest.write(records.directory, model("a"), new=True)
    assert [found.name for found in records.models()] == ["a"]
    manifest.write(records.directory, model("a", size=2), new=False)
    assert [found.size for found in records.models()] == [2]
    manifest.remove(records.directory, "a")
    assert records.models() == []


def test_ten_thousand_records_are_listed_without_reading_them_again(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.directory.mkdir()
    text = msgspec.json.encode(model("m0")).decode()
    for number in range(10_000):
        name = f"m{number}"
        (records.directory / f"{name}.json").write_text(text.replace('"m0"', f'"{name}"'))
    assert len(records.models()) == 10_000
    reads: list[Path] = []
    read = manifest.read

    def counted(path: Path) -> ModelManifest:
        reads.append(path)
        return read(path)

    monkeypatch.setattr(manifest, "read", counted)
    manifest.write(records.directory, model("m1", size=5), new=False)
    assert len(records.models()) == 10_000
    assert [path.name for path in reads] == ["m1.json"]
    assert records.named("m9999")


HOLD = """
import sys, time
from pathlib import Path
from llmd.models.records import Records
with Records(Path(sys.argv[1])).changing():
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of a folder."""
    command = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_one_process_at_a_time_changes_records(records: Records) -> None:
    entered = threading.Event()

    def enter() -> None:
        with records.changing(), records.changing():  # the holder may enter again
            entered.set()

    with another_process(records.directory) as process:
        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.wait(0.2)
        process.kill()  # and a process that is killed leaves no lock
        assert entered.wait(10)
        thread.join()
    assert [path.name for path in records.directory.iterdir()] == [".lock"]
