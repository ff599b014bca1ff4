"""Pages about models: what they show to whom, whatever models are called."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from llmd.protocol.callers import Role
from llmd.protocol.models import Preset
from tests.fakes.gguf import write
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive
from tests.unit.services.conftest import Bench

HOSTILE = "<img src=x onerror=alert(1)>'\"&{{7*7}}"
PAGES = ("/admin/models", "/admin/models/catalogue", "/admin/models/of/llmd-tiny")


@pytest.fixture
async def visitor(connect: Connect) -> Visitor:
    return Visitor(await connect(tcp=True))


async def text(visitor: Visitor, path: str, status: int = 200) -> str:
    answer = await visitor.open(path)
    found = await answer.text()
    assert answer.status == status, found
    return found


@pytest.mark.parametrize("path", PAGES)
async def test_who_may_not_look_does_not_see_the_pages(arrive: Arrive, path: str) -> None:
    stranger = await arrive()
    assert (await stranger.open(path)).headers["Location"].startswith("/login")


@pytest.mark.parametrize("path", PAGES)
async def test_who_may_only_look_sees_no_buttons_that_act(arrive: Arrive, path: str) -> None:
    visitor = await arrive()
    await visitor.log_in()
    shown = await text(visitor, path)
    assert "/web/models/unload" not in shown
    assert "/web/models/pull" not in shown
    assert "/web/models/delete" not in shown
    assert 'data-region="models_jobs"' in shown


@pytest.mark.parametrize("path", PAGES)
async def test_who_may_act_sees_them(arrive: Arrive, path: str) -> None:
    visitor = await arrive()
    await visitor.log_in("root", Role.ADMIN)
    assert 'data-region="models_jobs_acts"' in await text(visitor, path)


@pytest.mark.parametrize(
    "name", ["models_jobs", "models_loaded", "models_choices", "models_installed"]
)
async def test_regions_with_buttons_are_for_those_who_may_act(arrive: Arrive, name: str) -> None:
    visitor = await arrive()
    await visitor.log_in()
    assert (await visitor.open(f"/web/live?regions={name}_acts")).status == 403
    answer = await visitor.open(f"/web/live?regions={name}")
    assert answer.status == 200
    assert await answer.content.readline() == f"event: {name}\n".encode()
    answer.close()


async def test_the_first_page_shows_what_is_here_and_what_to_do_next(visitor: Visitor) -> None:
    shown = await text(visitor, "/admin/models")
    assert "llmd-tiny" in shown
    assert "apache-2.0" in shown
    assert "Only the built-in model is here yet." in shown
    assert "No model is loaded." in shown


async def test_a_loaded_model_shows_its_memory_and_its_lease(
    bench: Bench, visitor: Visitor
) -> None:
    async for _ in bench.services.residents.load("llmd-tiny"):
        pass
    shown = await text(visitor, "/admin/models")
    assert "Unloads in" in shown
    assert 'hx-post="/web/models/unload"' in shown


@pytest.mark.parametrize("path", ["/admin/models", "/admin/models/of/"])
async def test_whatever_a_model_is_called_it_is_text(
    bench: Bench, visitor: Visitor, tmp_path: Path, path: str
) -> None:
    file = write(tmp_path / "<b>&'.gguf", {"general.license": HOSTILE, "general.name": HOSTILE})
    bench.store.register(file, "odd")
    preset = Preset(system=HOSTILE, template=HOSTILE)
    bench.store.change("odd", lambda found: msgspec.structs.replace(found, preset=preset))
    shown = await text(visitor, path + ("odd" if path.endswith("/") else ""))
    assert "<img" not in shown.replace('<img src="/web/files', "")
    assert "<b>&" not in shown
    assert "&lt;b&gt;&amp;" in shown


async def test_names_with_slashes_have_a_page(
    bench: Bench, visitor: Visitor, tmp_path: Path
) -> None:
    bench.store.register(write(tmp_path / "m.gguf"), "acme/m-GGUF:Q8_0")
    name = quote("acme/m-GGUF:Q8_0")
    assert f'href="/admin/models/of/{name}"' in await text(visitor, "/admin/models")
    assert "acme/m-GGUF:Q8_0</h1>" in await text(visitor, f"/admin/models/of/{name}")


async def test_a_model_whose_file_is_gone_says_so(
    bench: Bench, visitor: Visitor, tmp_path: Path
) -> None:
    file = write(tmp_path / "m.gguf")
    bench.store.register(file, "m")
    file.unlink()
    assert "Its file is gone." in await text(visitor, "/admin/models")
    assert "Its file is gone." in await text(visitor, "/admin/models/of/m")


async def test_a_model_that_is_not_there_is_trouble(visitor: Visitor) -> None:
    assert "There is no model nobody" in await text(visitor, "/admin/models/of/nobody", 404)


async def test_presets_and_what_they_are_made_from_know_each_other(
    bench: Bench, visitor: Visitor
) -> None:
    made = Preset(base="llmd-tiny", system="Be brief.")
    bench.store.derive(
        bench.store.builtin(), "brief", lambda found: msgspec.structs.replace(found, preset=made)
    )
    assert "Be brief." in await text(visitor, "/admin/models/of/brief")
    assert ">brief</a>" in await text(visitor, "/admin/models/of/llmd-tiny")


async def test_the_pages_are_written_in_chinese_too(visitor: Visitor) -> None:
    for path in PAGES:
        answer = await visitor.open(path, Accept_Language="zh-CN")
        shown = await answer.text()
        assert answer.status == 200
        assert "模型" in shown
