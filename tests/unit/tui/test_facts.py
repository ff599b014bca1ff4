from __future__ import annotations

from typing import Any

from llmd.protocol.models import ModelState
from llmd.protocol.placement import LoadOptions
from llmd.tui import facts
from llmd.tui.stock import Item, items
from tests.fakes.shelf import loaded, manifest, offer, plan


def told(item: Item, **known: Any) -> str:
    lines = facts.about(item, **known)
    return "\n".join(
        f"{line.name} {''.join(cell.text for cell in line.value)}".strip() for line in lines
    )


def test_an_entry_of_the_catalogue_tells_its_sizes_by_type() -> None:
    text = told(items([], [offer(active=1_000_000_000)])[0])
    assert "A good first model for a laptop" in text
    assert "weights 4.0B, 1.0B active, Q4_K_M, 2.5 GB" in text
    assert "Q4_K_M    2.5 GB  fits  usual" in text
    assert "Q8_0      5.0 GB  tight" in text
    assert "licence Apache-2.0" in text


def test_a_model_of_this_machine_tells_its_file_and_how_it_is_loaded() -> None:
    model = manifest(options=LoadOptions(context_length=4096))
    text = told(items([model], [])[0])
    assert "file /models/llmd-tiny.gguf" in text
    assert "loaded with context_length 4096" in text
    assert "To load it" not in text


def test_what_the_daemon_answers_is_added_when_it_has_come() -> None:
    card = {
        "abilities": {"tools": True, "reasoning": True},
        "description": {"origin": {"license": "mit"}},
        "problem": "The file is gone.",
    }
    text = told(items([manifest()], [])[0], card=card, plan=plan())
    assert "abilities chat, tools, reasoning" in text
    assert "licence mit" in text
    assert "problem The file is gone." in text
    assert "CPU 1.5 GB of 6.0 GB free" in text


def test_a_loaded_model_tells_what_it_holds_and_when_it_goes() -> None:
    text = told(items([manifest()], [], [loaded(running=2)])[0])
    assert "state ready, 2 answering" in text
    assert "idle unloads in 4m00" in text
    assert "holds 2K tokens x 16 answers" in text


def test_a_pinned_or_loading_model_tells_of_no_end() -> None:
    assert "unloads in" not in told(items([manifest()], [], [loaded(pinned=True)])[0])
    text = told(items([manifest()], [], [loaded(state=ModelState.LOADING, context_length=0)])[0])
    assert "idle" not in text
    assert "holds" not in text


def test_a_card_of_another_shape_does_no_harm() -> None:
    assert told(items([manifest()], [])[0], card={"abilities": None, "description": 3})
