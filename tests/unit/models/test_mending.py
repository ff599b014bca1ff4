"""Files that become downloads again, and back; the fetching itself is in tests/integration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.errors import LlmdError, NotFound
from llmd.models.courier import Conditions
from llmd.models.mending import Mending, close, reopen
from llmd.models.pacing import Pacing
from llmd.models.sources.lines import Terms
from llmd.models.sources.transfer import journal, partial, pieces
from llmd.models.store import ModelStore
from llmd.protocol.integrity import FileHealth, Health
from tests.fakes.manifests import make_manifest

DIGEST = "ab" * 32
MARKS = {10: "11" * 32, 20: "22" * 32, 25: DIGEST}


def damaged(path: Path, *damage: tuple[int, int]) -> FileHealth:
    return FileHealth(
        path=str(path), state=Health.DAMAGED, size=25, expected=DIGEST, damage=list(damage)
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "blobs" / DIGEST
    path.parent.mkdir()
    path.write_bytes(b"x" * 25)
    pieces.keep(tmp_path / "pieces", pieces.Record(DIGEST, 25, "https://h/m.gguf", "https", MARKS))
    return path


def test_a_download_lacks_the_damage_alone(file: Path, tmp_path: Path) -> None:
    reopen(file, damaged(file, (10, 20)), tmp_path / "pieces")
    assert not file.exists()
    with partial.Partial(file, journal.Identity(25, DIGEST)) as download:
        assert download.gaps() == [(10, 20)]
        assert download.marks() == MARKS


def test_all_of_it_comes_again_where_no_pieces_are_known(file: Path, tmp_path: Path) -> None:
    reopen(file, damaged(file), tmp_path / "none")
    with partial.Partial(file, journal.Identity(25, DIGEST)) as download:
        assert download.gaps() == [(0, 25)]


def test_what_is_not_mended_gets_its_name_back(file: Path, tmp_path: Path) -> None:
    reopen(file, damaged(file, (0, 10)), tmp_path / "pieces")
    close(file, 25)
    assert file.read_bytes() == b"x" * 25
    assert [path.name for path in file.parent.iterdir()] == [DIGEST]
    close(file, 25)
    assert file.exists()


def test_a_file_that_cannot_be_read_through_keeps_what_it_has(file: Path, tmp_path: Path) -> None:
    unreadable = FileHealth(path=str(file), state=Health.UNREADABLE, size=0, expected=DIGEST)
    size = reopen(file, unreadable, tmp_path / "none")
    assert size == 25
    with partial.Partial(file, journal.Identity(25, DIGEST)) as download:
        download.write(0, memoryview(b"new"))
    close(file, size)
    assert file.read_bytes() == b"new" + b"x" * 22


def test_what_lost_its_bytes_stays_a_download(file: Path, tmp_path: Path) -> None:
    reopen(file, damaged(file, (0, 10)), tmp_path / "pieces")
    os.truncate(file.parent / f"{DIGEST}{partial.SUFFIX}", 7)
    close(file, 25)
    assert not file.exists()
    assert (file.parent / f"{DIGEST}{partial.SUFFIX}").exists()


def test_a_download_that_goes_on_is_not_disturbed(file: Path, tmp_path: Path) -> None:
    (file.parent / f"{DIGEST}{partial.SUFFIX}").touch()
    with pytest.raises(LlmdError, match="being fetched already"):
        reopen(file, damaged(file), tmp_path / "pieces")
    assert file.exists()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/elsewhere/m.gguf", "hf://acme/m/m.gguf"),
        ("{models}/m.gguf", "file:///elsewhere/m.gguf"),
        ("{models}/m.gguf", "builtin"),
        ("{models}/m.gguf", "ftp://x"),
    ],
)
async def test_what_llmd_did_not_fetch_is_left_alone(
    tmp_path: Path, tiny_model: Path, path: str, source: str
) -> None:
    store = ModelStore(tmp_path / "models", tiny_model)
    terms = Terms(records=str(tmp_path / "pieces"))
    mending = Mending(store, Conditions(pacing=Pacing(0), terms=terms))
    assert mending.records == tmp_path / "pieces"
    file = Path(path.format(models=tmp_path / "models"))
    model = make_manifest("m", source=source, files=[str(file)])
    with pytest.raises(NotFound):
        await anext(mending.mend(model, damaged(file)))
