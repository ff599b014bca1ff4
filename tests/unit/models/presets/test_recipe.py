"""What a preset shall be: layers of it, and what becomes of a manifest."""

from __future__ import annotations

import msgspec
import pytest

from llmd.errors import InvalidRequest
from llmd.models.presets.recipe import (
    GoTemplate,
    Recipe,
    applied,
    merged,
    overlaid,
)
from llmd.protocol.models import AdapterFile, Kind, Preset, SamplingDefaults, Turn
from llmd.protocol.placement import LoadOptions
from tests.fakes.manifests import make_manifest as model


def test_only_what_is_said_is_laid_over() -> None:
    lower = SamplingDefaults(temperature=0.5, stop=["a"], top_k=3)
    upper = SamplingDefaults(temperature=0.0, stop=["b"])
    assert overlaid(lower, upper) == SamplingDefaults(temperature=0.0, stop=["b"], top_k=3)
    assert overlaid(LoadOptions(pinned=True), LoadOptions(pinned=False)).pinned is False


def test_flags_win_over_the_file() -> None:
    file = Recipe(
        base="a", system="file", sampling=SamplingDefaults(top_k=1, top_p=0.5), notes=["note"]
    )
    flags = Recipe(base="b", system="", sampling=SamplingDefaults(top_k=2))
    both = merged(file, flags)
    assert both.base == "b"
    assert both.system == "", "an empty system prompt is one that was asked for"
    assert both.sampling == SamplingDefaults(top_k=2, top_p=0.5)
    assert both.notes == ["note"]


def test_a_template_of_flags_takes_the_place_of_the_files() -> None:
    file = Recipe(go_template=GoTemplate("{{ .Prompt }}", 3))
    assert merged(file, Recipe(system="s")).go_template
    with_flag = merged(file, Recipe(template_file="/x"))
    assert with_flag.go_template is None
    assert with_flag.template_file == "/x"
    again = merged(Recipe(template_file="/x"), Recipe(template="{{ 1 }}"))
    assert (again.template, again.template_file) == ("{{ 1 }}", None)


def test_a_manifest_takes_the_recipe_and_keeps_the_files() -> None:
    base = model("base", context_length=99)
    recipe = Recipe(
        system="s",
        template="t",
        messages=[Turn("user", "u")],
        license="MIT",
        draft="small",
        sampling=SamplingDefaults(temperature=0.1),
        options=LoadOptions(context_length=12),
    )
    made = applied(base, recipe, [AdapterFile("style", "/a.gguf", default=True)])
    assert made.files == base.files
    assert made.preset == Preset(
        base="base",
        system="s",
        template="t",
        messages=[Turn("user", "u")],
        license="MIT",
        sampling=SamplingDefaults(temperature=0.1),
    )
    assert made.options.context_length == 12
    assert made.draft == "small"
    assert made.has_chat_template
    assert [adapter.name for adapter in made.adapters] == ["style"]


def test_a_preset_of_a_preset_keeps_what_it_does_not_change() -> None:
    first = applied(
        model("base"),
        Recipe(system="s", sampling=SamplingDefaults(top_k=1), options=LoadOptions(parallel=2)),
        [AdapterFile("a", "/old.gguf"), AdapterFile("b", "/b.gguf")],
    )
    named = msgspec.structs.replace(first, name="first")
    second = applied(
        named, Recipe(sampling=SamplingDefaults(top_p=0.2)), [AdapterFile("a", "/new.gguf")]
    )
    assert second.preset.base == "first"
    assert second.preset.system == "s"
    assert second.preset.sampling == SamplingDefaults(top_k=1, top_p=0.2)
    assert second.options.parallel == 2
    assert {adapter.name: adapter.path for adapter in second.adapters} == {
        "a": "/new.gguf",
        "b": "/b.gguf",
    }


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(system="s"),
        Recipe(template="t"),
        Recipe(messages=[Turn("user", "u")]),
        Recipe(sampling=SamplingDefaults(top_k=1)),
    ],
)
def test_a_model_that_holds_no_conversations_takes_none_of_their_things(recipe: Recipe) -> None:
    with pytest.raises(InvalidRequest, match="holds no conversations"):
        applied(model("e", kind=Kind.EMBEDDING), recipe, [])


def test_an_embedding_model_can_be_loaded_in_its_own_way() -> None:
    recipe = Recipe(options=LoadOptions(context_length=64))
    assert applied(model("e", kind=Kind.EMBEDDING), recipe, []).options.context_length == 64
