from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from llmd.models.catalog import Catalogue
from llmd.models.store import ModelStore
from llmd.protocol.models import Preset
from llmd.services.portraits import Portrait, Portraits, of_entry
from tests.fakes.gguf import write

TOOLS = "{% if tools %}{{ tools }}{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}"


class Shelf:
    """A store with portraits of it."""

    def __init__(self, folder: Path, builtin: Path) -> None:
        self.store = ModelStore(folder / "models", builtin)
        self.portraits = Portraits(Catalogue())
        self.folder = folder

    async def of(self, name: str, values: dict[str, Any], source: str | None = None) -> Portrait:
        path = write(self.folder / f"{name.replace('/', '-').replace(':', '-')}.gguf", values)
        model = self.store.register(path, name, source)
        return (await self.portraits.of([model]))[0]


@pytest.fixture
def shelf(tmp_path: Path, tiny_model: Path) -> Shelf:
    return Shelf(tmp_path, tiny_model)


async def test_the_file_tells_name_version_and_description(shelf: Shelf) -> None:
    made = await shelf.of(
        "m",
        {
            "general.name": "Acme Chat",
            "general.version": "3.0",
            "general.description": "Chats.",
            "tokenizer.chat_template": TOOLS,
        },
    )
    assert (made.title, made.version, made.description) == ("Acme Chat", "3.0", "Chats.")
    assert made.abilities == ["chat", "completion", "tool_use"]


async def test_a_file_that_tells_nothing_is_described_by_its_facts(shelf: Shelf) -> None:
    made = await shelf.of("m", {"general.file_type": 7})
    assert made.title == "m"
    assert made.version == ""
    assert "weights as Q8_0" in made.description
    assert made.abilities == ["completion"]


async def test_the_catalogue_describes_what_is_called_like_its_entries(shelf: Shelf) -> None:
    entry = Catalogue().entries()["qwen2.5-coder-7b"]
    made = await shelf.of("qwen2.5-coder-7b:Q8_0", {"general.description": "Something else."})
    assert made.description == entry.description
    assert "code" in made.abilities


async def test_a_repository_of_the_catalogue_is_known_under_any_name(shelf: Shelf) -> None:
    entry = Catalogue().entries()["qwen3-8b"]
    repo = entry.source.removeprefix("hf://")
    made = await shelf.of("mine", {}, f"hf://{repo}/Qwen3-8B-Q4_K_M.gguf")
    assert made.description == entry.description


async def test_a_model_whose_file_is_gone_still_has_a_portrait(shelf: Shelf) -> None:
    path = write(shelf.folder / "m.gguf", {"general.name": "Acme"})
    model = shelf.store.register(path, "m")
    path.unlink()
    [made] = await shelf.portraits.of([model])
    assert made.title == "m"
    assert "completion" in made.abilities


async def test_portraits_are_kept_until_something_changes(shelf: Shelf) -> None:
    path = write(shelf.folder / "m.gguf", {"general.name": "Acme"})
    model = shelf.store.register(path, "m")
    [first] = await shelf.portraits.of([model])
    [again] = await shelf.portraits.of([model])
    assert again is first
    changed = msgspec.structs.replace(model, preset=Preset(template=TOOLS))
    [other] = await shelf.portraits.of([changed])
    assert other.abilities == ["chat", "completion", "tool_use"]


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("deepseek-coder-7b", True),
        ("starcoder2", True),
        ("code-qwen", True),
        ("encoder-small", False),
        ("decoded", False),
        ("devstral-24b", True),
    ],
)
async def test_code_is_told_by_words_not_by_letters(shelf: Shelf, name: str, codes: bool) -> None:
    assert ("code" in (await shelf.of(name, {})).abilities) is codes


def test_entries_have_the_same_words_for_abilities() -> None:
    entries = Catalogue().entries()
    assert of_entry(entries["qwen3-8b"]).abilities[:3] == ["chat", "completion", "tool_use"]
    assert of_entry(entries["bge-m3"]).abilities == ["embedding"]
    assert of_entry(entries["bge-reranker-v2-m3"]).abilities == ["rerank"]
    assert "code" in of_entry(entries["qwen2.5-coder-7b"]).abilities


async def test_a_licence_is_named_as_the_file_the_preset_or_the_catalogue_has_it(
    shelf: Shelf,
) -> None:
    assert (await shelf.of("m", {"general.license": "mit"})).license == "mit"
    assert of_entry(Catalogue().entries()["qwen3-8b"]).license == "Apache-2.0"
    await shelf.of("n", {})
    text = Preset(license="  My licence\nand all of its text")
    model = msgspec.structs.replace(shelf.store.get("n"), preset=text)
    assert [own.license for own in await shelf.portraits.of([model])] == ["My licence"]
