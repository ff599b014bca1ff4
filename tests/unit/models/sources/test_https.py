"""Files from any web server: names, parts, versions."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmd.errors import CorruptFile, DownloadFailed, ModelNotFound
from llmd.models.sources.https import addresses, file_name, pull
from llmd.models.sources.lines import Fetched, Terms
from llmd.models.sources.report import Report
from llmd.models.sources.transfer import Transfer, patience
from tests.fakes.fileserver import BLOCK, FileServer, serving
from tests.fakes.gguf import LLAMA, gguf, write_split
from tests.unit.models.sources.conftest import check_named

Fetch = Callable[..., Fetched]
MODEL = gguf(LLAMA, data=bytes(400_000))


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(patience, "LATER_DELAYS", (0.01,) * 3)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    site = FileServer(files={"/x/m-Q8_0.gguf": MODEL})
    with serving(site):
        yield site


@pytest.fixture
def said() -> io.BytesIO:
    return io.BytesIO()


@pytest.fixture
def fetch(tmp_path: Path, said: io.BytesIO) -> Fetch:
    def fetch(url: str, sha256: str = "") -> Fetched:
        terms = Terms(connections=1, records=str(tmp_path / "pieces"))
        return pull(url, sha256, tmp_path, Transfer(Report(said), terms, "https"))

    return fetch


def test_a_file_gets_its_place_its_name_and_its_digest(
    site: FileServer, fetch: Fetch, tmp_path: Path, said: io.BytesIO
) -> None:
    fetched = fetch(f"{site.url}/x/m-Q8_0.gguf?download=true")
    (path,) = map(Path, fetched.files)
    assert path.read_bytes() == MODEL
    assert path.is_relative_to(tmp_path / "web")
    assert path.name == "m-Q8_0.gguf"
    assert (fetched.name, fetched.fresh) == ("m-Q8_0", True)
    assert fetched.source == f"{site.url}/x/m-Q8_0.gguf?download=true"
    assert fetched.digests == {str(path): hashlib.sha256(MODEL).hexdigest()}
    check_named(said, fetched)


def test_the_same_version_is_not_fetched_again(site: FileServer, fetch: Fetch) -> None:
    first = fetch(f"{site.url}/x/m-Q8_0.gguf")
    again = fetch(f"{site.url}/x/m-Q8_0.gguf")
    assert again == first
    assert len(site.contents) == 1


def test_another_version_lies_beside_the_one_in_use(site: FileServer, fetch: Fetch) -> None:
    first = fetch(f"{site.url}/x/m-Q8_0.gguf")
    site.files["/x/m-Q8_0.gguf"] = newer = gguf(LLAMA, data=bytes(500_000))
    second = fetch(f"{site.url}/x/m-Q8_0.gguf")
    assert Path(second.files[0]).read_bytes() == newer
    assert Path(first.files[0]).read_bytes() == MODEL


def test_what_came_of_another_version_is_dropped_and_that_is_said(
    site: FileServer, fetch: Fetch, said: io.BytesIO, tmp_path: Path
) -> None:
    site.faults.cut_after, site.faults.refuse = [2 * BLOCK], [0, 0, *[500] * 9]
    with pytest.raises(DownloadFailed):
        fetch(f"{site.url}/x/m-Q8_0.gguf")
    site.faults.refuse = []
    site.files["/x/m-Q8_0.gguf"] = gguf(LLAMA, data=bytes(500_000))
    fetch(f"{site.url}/x/m-Q8_0.gguf")
    assert b"changed at the source" in said.getvalue()
    assert list(tmp_path.rglob("*.llmd.incomplete")) == []


def test_an_interrupted_one_goes_on(site: FileServer, fetch: Fetch) -> None:
    site.faults.cut_after, site.faults.refuse = [2 * BLOCK], [0, 0, *[500] * 9]
    with pytest.raises(DownloadFailed):
        fetch(f"{site.url}/x/m-Q8_0.gguf")
    site.faults.refuse = []
    fetch(f"{site.url}/x/m-Q8_0.gguf")
    assert [asked.start for asked in site.contents] == [0, 2 * BLOCK]


def test_the_digest_behind_the_address_is_enforced(
    site: FileServer, fetch: Fetch, tmp_path: Path
) -> None:
    right = hashlib.sha256(MODEL).hexdigest()
    with pytest.raises(DownloadFailed, match="not what the source says"):
        fetch(f"{site.url}/x/m-Q8_0.gguf", "ab" * 32)
    fetch(f"{site.url}/x/m-Q8_0.gguf", right)
    with pytest.raises(DownloadFailed, match="here already") as failure:
        fetch(f"{site.url}/x/m-Q8_0.gguf", "ab" * 32)
    assert failure.value.details == {"expected": "ab" * 32, "got": right}


def test_all_parts_come_whichever_is_named(site: FileServer, fetch: Fetch, tmp_path: Path) -> None:
    parts = write_split(tmp_path / "split")
    site.files = {f"/{part.name}": part.read_bytes() for part in parts}
    fetched = fetch(f"{site.url}/{parts[1].name}")
    assert [Path(file).name for file in fetched.files] == [part.name for part in parts]
    assert [Path(file).read_bytes() for file in fetched.files] == list(site.files.values())
    assert len(fetched.digests) == 3
    assert fetched.name == "big-Q8_0"


def test_a_part_that_is_missing_is_named(site: FileServer, fetch: Fetch, tmp_path: Path) -> None:
    parts = write_split(tmp_path / "split")
    site.files = {f"/{part.name}": part.read_bytes() for part in parts[:2]}
    with pytest.raises(ModelNotFound, match="00003-of-00003"):
        fetch(f"{site.url}/{parts[0].name}")
    assert site.contents == []


def test_a_web_page_is_refused_before_anything_is_stored(
    site: FileServer, fetch: Fetch, tmp_path: Path
) -> None:
    site.faults.page = True
    with pytest.raises(CorruptFile, match="web page"):
        fetch(f"{site.url}/x/m-Q8_0.gguf")
    assert list(tmp_path.rglob("*.gguf*")) == []


def test_parts_are_counted_within_reason() -> None:
    assert len(addresses("https://h/m-00002-of-00003.gguf?a=b")) == 3
    assert (
        addresses("https://h/m-00002-of-00003.gguf?a=b")[0] == "https://h/m-00001-of-00003.gguf?a=b"
    )
    for single in (
        "https://h/m.gguf",
        "https://h/m-00001-of-99999.gguf",
        "https://h/m-00001-of-00000.gguf",
    ):
        assert addresses(single) == [single]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("", "address.gguf"),
        ('attachment; filename="better-Q4_0.gguf"', "better-Q4_0.gguf"),
        ("attachment; filename*=UTF-8''%E6%A8%A1%E5%9E%8B.gguf", "模型.gguf"),
        ('attachment; filename="../../../etc/passwd"', "passwd.gguf"),
        ('attachment; filename="a\\\\b\\\\c.gguf"', "c.gguf"),
        ('attachment; filename=".."', "address.gguf"),
        ('attachment; filename="x y\tz.gguf"', "x-y-z.gguf"),
        ("inline", "address.gguf"),
        ("; ; = %%", "address.gguf"),
    ],
)
def test_servers_may_name_the_file_but_not_its_place(disposition: str, name: str) -> None:
    assert file_name("https://h/a/address.gguf", {"content-disposition": disposition}) == name


def test_names_stay_short_enough_for_the_disk() -> None:
    name = file_name(f"https://h/{'模' * 300}.gguf", {})
    assert len(name.encode()) <= 200
    assert name.endswith(".gguf")
