"""The entries that come with llmd, and a user's own beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.models.catalog import Capability, Catalogue, builtin, wanted
from llmd.models.catalog import catalogue as module
from llmd.models.catalog.entry import flaws
from llmd.models.names import AliasReference, HubReference, check_name, parse
from llmd.protocol.models import Kind

PROMISED = {
    "qwen-7b-chat",
    "qwen-14b-chat",
    "gemma-7b",
    "gemma-2b",
    "llama-2-7b-chat",
    "chatglm3-6b",
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "catalog.toml"


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    # two versions within one tick of the file system's clock must differ all the same
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + len(text)))


def test_the_models_the_documents_promise_are_there() -> None:
    assert set(builtin()) >= PROMISED
    assert len(builtin()) >= len(PROMISED) + 40


@pytest.mark.parametrize("alias", builtin())
def test_every_entry_is_complete(alias: str) -> None:
    entry = builtin()[alias]
    assert flaws(entry) == []
    assert check_name(alias) == entry.alias == alias.lower()
    assert parse(alias) == AliasReference(alias)
    assert isinstance(entry.reference, HubReference)
    assert entry.file
    assert entry.size > 0
    assert entry.parameters > 0
    assert entry.license
    assert entry.description
    assert entry.capabilities
    senses = {Capability.VISION, Capability.AUDIO} & set(entry.capabilities)
    assert bool(senses) == bool(entry.projector)
    # more bits a weight than 16, or fewer than two, are a slip of the pen
    assert all(1 < 8 * size / entry.parameters < 24 for size in entry.quantizations.values())


def test_every_draft_is_an_entry_too() -> None:
    drafts = {entry.draft for entry in builtin().values() if entry.draft}
    assert drafts
    assert drafts <= set(builtin())
    assert all(not builtin()[alias].draft for alias in drafts)


def test_the_smallest_of_each_part_come_first() -> None:
    sizes = [entry.size for entry in builtin().values()]
    assert sizes[0] < 10**9
    assert {entry.kind for entry in builtin().values()} == set(Kind)


def test_names_are_found_whatever_their_case() -> None:
    catalogue = Catalogue()
    assert catalogue.find("QWEN3-4B") == builtin()["qwen3-4b"]
    assert catalogue.find("Llama3.2:1B") == builtin()["llama3.2-1b"]
    assert catalogue.find("nothing") is None


def test_own_entries_are_first_and_win(own: Path) -> None:
    write(
        own,
        "[[model]]\nalias = 'mine'\nsource = 'me/mine'\n"
        "[[model]]\nalias = 'qwen3-4b'\nsource = 'me/qwen'\n",
    )
    catalogue = Catalogue(own)
    assert list(catalogue.entries())[:2] == ["mine", "qwen3-4b"]
    assert wanted("qwen3-4b", catalogue).source == HubReference("me/qwen")
    # its other name goes with the entry that is hidden
    assert catalogue.find("qwen3:4b") is None
    assert len(catalogue.entries()) == len(builtin()) + 1


def test_an_own_entry_may_take_one_of_the_names_of_another(own: Path) -> None:
    write(own, "[[model]]\nalias = 'mistral'\nsource = 'me/mine'\nalso = ['qwen3:8b']\n")
    catalogue = Catalogue(own)
    assert wanted("mistral", catalogue).source == HubReference("me/mine")
    assert wanted("qwen3:8b", catalogue).name == "mistral"
    assert catalogue.find("mistral-7b") == builtin()["mistral-7b"]
    assert catalogue.find("qwen3") == builtin()["qwen3-8b"]


def test_a_changed_file_counts_at_once(own: Path) -> None:
    catalogue = Catalogue(own)
    assert catalogue.own() == {}
    write(own, "[[model]]\nalias = 'one'\nsource = 'a/b'\n")
    assert list(catalogue.own()) == ["one"]
    write(own, "[[model]]\nalias = 'other'\nsource = 'a/b'\n")
    assert list(catalogue.own()) == ["other"]
    own.unlink()
    assert catalogue.own() == {}


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (b"[[model]]\nalias = 'a'\n", "source", 1),
        (b"\n\xff\xfe", "UTF-8", 2),
        (b"alias", "TOML", 1),
    ],
)
def test_a_damaged_file_costs_no_other_entries(
    own: Path, content: bytes, reason: str, line: int
) -> None:
    own.write_bytes(content)
    catalogue = Catalogue(own)
    assert catalogue.entries() == dict(builtin())
    (fault,) = catalogue.faults()
    assert reason in fault.reason
    assert fault.line == line


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "catalog.toml"
    folder.mkdir()
    assert "cannot be read" in Catalogue(folder).faults()[0].reason


def test_a_file_without_end_is_not_read(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGEST", 100)
    own.write_bytes(b"#" * 101)
    assert "larger" in Catalogue(own).faults()[0].reason


def test_near_names_are_one_for_each_entry() -> None:
    catalogue = Catalogue()
    assert catalogue.near("qwen3-4bb")[0] == "qwen3-4b"
    near = catalogue.near("llama3.2", limit=10)
    entries = [catalogue.find(name) for name in near]
    assert len({entry.alias for entry in entries if entry}) == len(near)
    assert catalogue.near("my-modell", ["my-model"])[0] == "my-model"
