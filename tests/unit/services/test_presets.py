"""Creating presets: from flags, TOML and Modelfiles, over models and files."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import (
    InvalidRequest,
    ModelBusy,
    ModelNotFound,
    NameTaken,
    UnsupportedArchitecture,
)
from llmd.models.presets.recipe import AdapterWish, Recipe
from llmd.models.presets.tables import read_changes
from llmd.protocol.models import Kind, SamplingDefaults
from llmd.protocol.placement import LoadOptions
from llmd.services.presets import Created
from tests.fakes.random_adapter import write_adapter
from tests.unit.services.conftest import Bench

CHATML = (
    "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}"
    "<|im_start|>assistant\n"
)
BASE = {"from": "llmd-tiny"}


async def create(
    bench: Bench, name: str, text: str | None = None, directory: Path | str = "", **changes: object
) -> Created:
    wished = read_changes(changes)
    return await bench.services.presets.create(name, text, str(directory), wished)


async def test_flags_make_a_preset_that_shares_the_file(bench: Bench) -> None:
    made = await create(
        bench, "pirate", **BASE, system="Arr", sampling={"top_k": 1}, options={"context_length": 64}
    )
    model = bench.store.get("pirate")
    assert made.model == model
    assert made.notes == []
    assert model.path == bench.store.builtin().path
    assert model.preset.base == "llmd-tiny"
    assert model.preset.system == "Arr"
    assert model.preset.sampling == SamplingDefaults(top_k=1)
    assert model.options == LoadOptions(context_length=64)
    assert model.source.startswith("file://")


async def test_a_file_is_read_and_flags_win(bench: Bench) -> None:
    toml = 'from = "absent"\nsystem = "file"\n[sampling]\ntop_k = 2\ntop_p = 0.5'
    made = await create(bench, "p", toml, **BASE, sampling={"top_k": 1})
    assert made.model.preset.system == "file"
    assert made.model.preset.sampling == SamplingDefaults(top_k=1, top_p=0.5)


async def test_toml_that_speaks_of_from_is_no_modelfile(bench: Bench) -> None:
    made = await create(bench, "p", 'from = "llmd-tiny"\nsystem = """\nFROM here on, be kind.\n"""')
    assert made.model.preset.system == "FROM here on, be kind.\n"


async def test_a_modelfile_over_a_file_beside_it(
    bench: Bench, tmp_path: Path, tiny_model: Path
) -> None:
    (tmp_path / "own.gguf").symlink_to(tiny_model)
    made = await create(bench, "mine", "FROM ./own.gguf\nSYSTEM Hi", tmp_path)
    assert made.model.path == str(tmp_path / "own.gguf")
    assert made.model.preset.base == str(tmp_path / "own.gguf")
    assert made.model.source == f"file://{tmp_path / 'own.gguf'}"
    assert not made.model.owned


async def test_a_file_without_path_marks_is_found_beside_the_modelfile(
    bench: Bench, tmp_path: Path, tiny_model: Path
) -> None:
    (tmp_path / "weights").symlink_to(tiny_model)
    assert (await create(bench, "m", "FROM weights", tmp_path)).model.path.endswith("/weights")
    with pytest.raises(ModelNotFound):
        await create(bench, "n", "FROM weights", tmp_path / "elsewhere")


async def test_ollamas_word_for_no_tag_is_understood(bench: Bench) -> None:
    assert (await create(bench, "m", "FROM llmd-tiny:latest")).model.preset.base == "llmd-tiny"


async def test_a_go_template_that_says_what_the_model_says_leaves_its_own(bench: Bench) -> None:
    made = await create(bench, "m", f'FROM llmd-tiny\nTEMPLATE """{CHATML}"""')
    assert made.model.preset.template == ""
    assert made.notes == ["line 2: TEMPLATE says what the model's own template says, which stays."]


async def test_another_go_template_is_kept_in_jinja(bench: Bench) -> None:
    other = "{{ range .Messages }}[{{ .Role }}] {{ .Content }}{{ end }}[assistant] "
    made = await create(bench, "m", f'FROM llmd-tiny\n\nTEMPLATE """{other}"""')
    assert "m.content" in made.model.preset.template
    assert made.notes[0].startswith("line 3: TEMPLATE is kept in Jinja")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ .Prompt | title }}", "line 2: its TEMPLATE cannot be translated"),
        (
            "{{ if .Tools }}{{ .Tools }}{{ end }}{{ range .Messages }}{{ .Content }}{{ end }}",
            "line 2: this TEMPLATE also writes tools",
        ),
        ("{{ range .Messages }}{{ .Role }}{{ end }}", "leaves out what the user says"),
    ],
)
async def test_a_go_template_is_never_garbled(bench: Bench, template: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        await create(bench, "m", f'FROM llmd-tiny\nTEMPLATE """{template}"""')
    assert bench.store.list() == [bench.store.builtin()]


async def test_jinja_templates_are_tried(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="line 2"):
        await create(bench, "m", **BASE, template="{{ messages }}\n{% if %}")
    (tmp_path / "t.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    toml = 'from = "llmd-tiny"\ntemplate_file = "t.jinja"'
    made = await create(bench, "m", toml, tmp_path)
    assert made.model.preset.template.startswith("{% for")
    with pytest.raises(InvalidRequest, match="cannot be read"):
        await create(bench, "m", toml, tmp_path / "elsewhere")
    (tmp_path / "t.jinja").write_bytes(b"\xff")
    with pytest.raises(InvalidRequest, match="not UTF-8"):
        await create(bench, "m", toml, tmp_path)


async def test_adapters_are_looked_at_before_anything_is_written(
    bench: Bench, tmp_path: Path, tiny_model: Path
) -> None:
    write_adapter(tmp_path / "good.gguf", tiny_model)
    write_adapter(tmp_path / "bad.gguf", tiny_model, architecture="llama")
    text = "FROM llmd-tiny\nADAPTER ./{}.gguf"
    with pytest.raises(UnsupportedArchitecture):
        await create(bench, "m", text.format("bad"), tmp_path)
    assert len(bench.store.list()) == 1
    made = await create(bench, "m", text.format("good"), tmp_path)
    (adapter,) = made.model.adapters
    assert (adapter.path, adapter.default) == (str(tmp_path / "good.gguf"), True)


async def test_what_cannot_be_made_is_refused(bench: Bench, embedding_model: Path) -> None:
    bench.store.register(embedding_model, "minilm")
    with pytest.raises(InvalidRequest, match="Nothing says"):
        await create(bench, "m")
    with pytest.raises(ModelNotFound):
        await create(bench, "m", **{"from": "absent"})
    with pytest.raises(ModelNotFound):
        await create(bench, "m", **BASE, draft="absent")
    with pytest.raises(NameTaken):
        await create(bench, "minilm", **BASE)
    with pytest.raises(NameTaken):
        await create(bench, "llmd-tiny", **BASE)
    with pytest.raises(InvalidRequest, match="cannot be a model's name"):
        await create(bench, "../x", **BASE)
    with pytest.raises(InvalidRequest, match="holds no conversations"):
        await create(bench, "m", **{"from": "minilm"}, system="x")
    with pytest.raises(InvalidRequest, match="second FROM"):
        await create(bench, "m", "FROM llmd-tiny\nFROM ./mmproj.gguf")
    assert bench.store.get("minilm").kind is Kind.EMBEDDING


async def test_a_preset_is_made_anew_unless_it_answers(bench: Bench) -> None:
    first = await create(bench, "P", **BASE, system="one")
    async with bench.pool.lease(first.model):
        bench.starts.workers[0].running = 1
        with pytest.raises(ModelBusy):
            await create(bench, "p", **BASE, system="two")
        bench.starts.workers[0].running = 0
    made = await create(bench, "p", **BASE, system="two")
    assert made.model.name == "P"
    assert bench.store.get("p").preset.system == "two"
    assert not bench.starts.workers[0].alive, "it was loaded as it was before"


async def test_a_context_beyond_the_models_is_remarked(bench: Bench) -> None:
    made = await create(bench, "m", **BASE, options={"context_length": 100_000})
    assert made.notes == [
        "a context of 100000 is beyond the 2048 the model was trained for",
    ]


async def test_a_preset_outlives_its_base(bench: Bench, tmp_path: Path, tiny_model: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(tiny_model.read_bytes())
    bench.store.register(own, "base", "hf://acme/base/own.gguf", owned=True)
    await bench.services.presets.create("p", None, "", Recipe(base="base", system="x"))
    removed = bench.store.remove("base")
    assert (removed.freed, removed.kept_file, removed.used_by) == (0, str(own), ["p"])
    assert bench.store.get("p").preset.system == "x"
    size = own.stat().st_size
    assert bench.store.remove("p").freed == size
    assert not own.exists()


async def test_a_wish_for_an_adapter_keeps_its_name_and_scale(
    bench: Bench, tmp_path: Path, tiny_model: Path
) -> None:
    path = write_adapter(tmp_path / "l.gguf", tiny_model)
    wish = AdapterWish(path=str(path), name="style", scale=0.5, default=False)
    recipe = Recipe(base="llmd-tiny", adapters=[wish])
    made = await bench.services.presets.create("m", None, "", recipe)
    (adapter,) = made.model.adapters
    assert (adapter.name, adapter.scale, adapter.default) == ("style", 0.5, False)


async def test_a_preset_is_changed_in_its_place(bench: Bench) -> None:
    await create(bench, "pirate", **BASE, system="Arr", sampling={"top_k": 1})
    changes = read_changes({"system": "Avast", "options": {"context_length": 32}})
    changed = (await bench.services.presets.change("pirate", changes)).model
    assert bench.store.get("pirate") == changed
    assert (changed.preset.system, changed.preset.base) == ("Avast", "llmd-tiny")
    assert changed.preset.sampling == SamplingDefaults(top_k=1)
    assert changed.options == LoadOptions(context_length=32)


async def test_a_model_that_is_no_preset_can_be_configured_too(bench: Bench) -> None:
    bench.store.copy("llmd-tiny", "own")
    changes = read_changes({"sampling": {"temperature": 0}})
    changed = (await bench.services.presets.change("own", changes)).model
    assert (changed.preset.base, changed.preset.sampling.temperature) == ("", 0)
    with pytest.raises(InvalidRequest, match="cannot be changed"):
        await bench.services.presets.change("llmd-tiny", changes)


async def test_a_model_is_unloaded_only_where_it_would_be_loaded_otherwise(bench: Bench) -> None:
    bench.store.copy("llmd-tiny", "own")
    async for _ in bench.services.residents.load("own"):
        pass
    await bench.services.presets.change("own", read_changes({"system": "Arr"}))
    assert [model.name for model in bench.pool.loaded()] == ["own"]
    await bench.services.presets.change("own", read_changes({"options": {"parallel": 2}}))
    assert bench.pool.loaded() == []


async def test_one_that_answers_is_not_loaded_otherwise(bench: Bench) -> None:
    model = bench.store.copy("llmd-tiny", "own")
    async with bench.pool.lease(model):
        bench.starts.workers[0].running = 1
        with pytest.raises(ModelBusy):
            await bench.services.presets.change("own", read_changes({"options": {"parallel": 2}}))
    assert bench.store.get("own").options == LoadOptions()
