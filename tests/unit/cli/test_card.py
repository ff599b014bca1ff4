from __future__ import annotations

from pathlib import Path
from typing import Any

from llmd.cli.card import entry_lines, sections, senses
from llmd.cli.section import Section
from llmd.models.gguf.reading import read_model
from llmd.server.dialects.control.convert import model_card
from llmd.services.descriptions import Card, file_card
from tests.fakes.daemon import LOADED
from tests.fakes.gguf import write
from tests.fakes.worker import manifest


def card_of(path: Path, **more: Any) -> dict[str, Any]:
    return model_card(Card(manifest=manifest("m"), file=file_card(read_model(path)))) | more


def titled(found: list[Section], title: str) -> Section:
    return next(section for section in found if section.title == title)


def lines(section: Section) -> dict[str, str]:
    return {name: value for name, value in section.lines if value}


def test_all_sections_of_a_chat_model_are_there(tiny_model: Path) -> None:
    found = sections(card_of(tiny_model))
    assert [section.title for section in found] == [
        "",
        "shape",
        "tokenizer",
        "weights by type",
        "weights by use",
        "cache of one sequence",
        "template",
        "file",
    ]
    assert lines(found[0])["license"] == "apache-2.0"
    assert "eos <|im_end|>" in lines(titled(found, "tokenizer"))["special"]
    assert "tools (hermes)" in lines(titled(found, "template"))["knows"]


def test_bars_and_shares_add_up(tiny_model: Path) -> None:
    found = sections(card_of(tiny_model), blocks="#.")
    rows = titled(found, "weights by use").rows
    assert abs(sum(float(row[3].rstrip("%")) for row in rows) - 100) < 0.3
    assert all(len(row[1]) == 20 and set(row[1]) <= {"#", "."} for row in rows)
    assert [row[0] for row in rows] == ["embedding", "attention", "feed-forward", "norms"]
    assert titled(found, "weights by type").rows[0][0] == "Q8_0"


def test_an_encoder_has_neither_cache_nor_template(embedding_model: Path) -> None:
    titles = [section.title for section in sections(card_of(embedding_model))]
    assert "cache of one sequence" not in titles
    assert "template" not in titles


def test_a_stretched_context_tells_from_where(tmp_path: Path) -> None:
    values = {
        "llama.rope.scaling.type": "yarn",
        "llama.rope.scaling.factor": 4.0,
        "llama.rope.scaling.original_context_length": 1024,
    }
    card = card_of(write(tmp_path / "m.gguf", values), context_length=4096)
    assert lines(sections(card)[0])["context"] == "4096 tokens, yarn 4x from 1024"


def test_active_parameters_are_told_where_not_all_are(tiny_model: Path) -> None:
    card = card_of(tiny_model, parameters=30_000_000_000)
    card["facts"]["active_parameters"] = 3_000_000_000
    assert lines(sections(card)[0])["parameters"] == "30.0B, 3.0B active"


def test_what_was_laid_upon_the_file_is_told(tiny_model: Path) -> None:
    card = card_of(
        tiny_model,
        preset={
            "base": "n",
            "system": "Be brief.",
            "sampling": {"temperature": 0.2, "top_k": None},
        },
        options={"context_length": 4096, "kv_type": "q8_0"},
        adapters=[{"name": "style", "scale": 0.5, "default": True, "path": "/a"}],
        draft="small",
        loaded=LOADED,
    )
    preset = lines(titled(sections(card), "preset"))
    assert preset == {
        "made from": "n",
        "system": "Be brief.",
        "sampling": "temperature 0.2",
        "loaded with": "context_length 4096, kv_type q8_0",
        "draft model": "small",
        "adapters": "style x0.5 (default)",
    }
    assert lines(sections(card)[-1])["loaded"] == "ready on CPU"


def test_a_file_of_another_sort_is_called_so(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gguf", {"general.type": "adapter"})
    card = model_card(Card(file=file_card(read_model(path))))
    assert lines(sections(card)[0])["kind"] == "adapter"
    assert "llmd import" in lines(sections(card)[-1])["loaded"]


def test_a_model_without_its_file_tells_the_problem() -> None:
    card = model_card(Card(manifest=manifest("m"), problem="It is gone."))
    found = sections(card)
    assert [section.title for section in found] == ["", "file"]
    assert lines(found[0])["problem"] == "It is gone."


def test_many_parts_are_not_all_listed(tiny_model: Path) -> None:
    card = card_of(tiny_model, files=[f"/m-{number}.gguf" for number in range(30)])
    values = [value for _, value in sections(card)[-1].lines]
    assert "and 18 more" in values
    assert "/m-12.gguf" not in values


def test_entries_of_the_catalogue_tell_sizes() -> None:
    entry = {"alias": "a", "source": "o/r", "quantizations": {"Q8_0": 2_000_000_000}, "context": 9}
    shown = dict(entry_lines({"entry": entry, "quantization": "Q8_0"}))
    assert shown["sizes"] == "Q8_0 2.0 GB"
    assert shown["context"] == "9 tokens"
    assert shown["parameters"] == ""


def test_senses_are_named() -> None:
    assert senses({"vision": True, "audio": True}) == "text, pictures, sounds"
    assert senses({}) == "text"
