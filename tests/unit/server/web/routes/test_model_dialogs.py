from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import AccessDenied, DownloadFailed, LlmdError, ModelNotFound
from llmd.models.download import Downloads
from llmd.protocol.callers import Role
from llmd.protocol.models import Prospect
from tests.fakes.gguf import write
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive
from tests.unit.services.conftest import Bench


@pytest.fixture
async def visitor(connect: Connect) -> Visitor:
    return Visitor(await connect(tcp=True))


async def shown(visitor: Visitor, path: str, status: int = 200) -> str:
    answer = await visitor.open(path)
    text = await answer.text()
    assert answer.status == status, text
    return text


async def test_a_model_is_loaded_with_its_plan_before_ones_eyes(visitor: Visitor) -> None:
    text = await shown(visitor, "/web/models/load?name=llmd-tiny")
    assert "It fits." in text
    assert 'name="context_length"' in text
    assert 'hx-post="/web/models/load"' in text


async def test_the_form_shows_how_a_model_is_loaded_now(bench: Bench, visitor: Visitor) -> None:
    await visitor.send("/web/models/load", name="llmd-tiny", parallel="3")
    (job,) = bench.jobs.list()
    await bench.jobs._tasks[job.id]
    text = await shown(visitor, "/web/models/load?name=llmd-tiny")
    assert 'name="parallel" min="1" step="1" inputmode="numeric" value="3"' in text
    assert "It is loaded already." in text


async def test_a_plan_follows_the_form(visitor: Visitor) -> None:
    answer = await visitor.send("/web/models/plan", name="llmd-tiny", context_length="321")
    assert "<dd>321 \N{MULTIPLICATION SIGN} 2</dd>" in await answer.text()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"parallel": "9000"}, "parallel is 9000."),
        ({"keep_alive": "soon"}, "keep_alive"),
    ],
)
async def test_a_plan_that_cannot_be_says_why_in_its_place(
    visitor: Visitor, fields: dict[str, str], told: str
) -> None:
    answer = await visitor.send("/web/models/plan", name="llmd-tiny", **fields)
    assert answer.status == 200
    assert told in await answer.text()


async def test_a_plan_never_looks_into_files_that_a_visitor_names(
    visitor: Visitor, tiny_model: Path, tmp_path: Path
) -> None:
    for path in (tiny_model, tmp_path / "absent.gguf", tmp_path):
        answer = await visitor.send("/web/models/plan", name=str(path))
        text = await answer.text()
        assert "There is no model" in text or "is not a model name" in text
        assert not any(word in text for word in ("No such file", "is not a file", "It fits"))


async def test_a_plan_that_does_not_fit_says_what_would_help(
    bench: Bench, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.services.planning._planner, "memory", 1)
    text = await shown(visitor, "/web/models/load?name=llmd-tiny")
    assert "It does not fit." in text
    assert "Take a smaller one." in text


async def test_who_may_only_look_may_plan_and_no_more(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in()
    text = await shown(visitor, "/web/models/load?name=llmd-tiny")
    assert 'class="chief"' not in text
    for path in ("pull", "outlook", "quantize", "copy", "delete"):
        await shown(visitor, f"/web/models/{path}?name=llmd-tiny", 403)


@pytest.mark.parametrize("path", ["load", "quantize", "copy", "delete"])
async def test_dialogs_about_nobody_are_refused(visitor: Visitor, path: str) -> None:
    await shown(visitor, f"/web/models/{path}?name=nobody", 404)


async def test_an_entry_is_offered_in_all_its_variants(visitor: Visitor) -> None:
    text = await shown(visitor, "/web/models/pull?name=qwen3-4b")
    assert text.count('type="radio"') > 1
    assert text.count(" checked>") == 1


async def test_a_variant_that_was_asked_for_is_chosen(visitor: Visitor) -> None:
    assert 'value="qwen3-4b:Q8_0" checked' in await shown(
        visitor, "/web/models/pull?name=qwen3-4b:Q8_0"
    )


async def test_anything_else_is_offered_by_its_name(visitor: Visitor) -> None:
    text = await shown(visitor, "/web/models/pull?name=acme/m:Q8_0")
    assert '<input type="hidden" name="name" value="acme/m:Q8_0">' in text


def looks(monkeypatch: pytest.MonkeyPatch, said: Prospect | LlmdError) -> None:
    async def look(_self: object, name: str) -> Prospect:
        if isinstance(said, LlmdError):
            raise said
        return said

    monkeypatch.setattr(Downloads, "look", look)


@pytest.mark.parametrize(
    ("prospect", "told"),
    [
        (Prospect(name="m", size=4_000_000), "4.0 MB to fetch, and the disk has room."),
        (Prospect(name="m", size=4_000_000, here=1_000_000), "1.0 MB are here already."),
        (Prospect(name="m", size=4_000_000, here=4_000_000), "All of it is on this machine"),
        (Prospect(name="m", size=4_000_000, problem="It is full."), "It is full."),
        (Prospect(name="m", size=4_000_000), "In memory: about"),
        (Prospect(name="m", size=2**50), "Not in memory now"),
    ],
)
async def test_before_a_download_its_size_and_whether_it_fits_are_told(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, prospect: Prospect, told: str
) -> None:
    looks(monkeypatch, prospect)
    assert told in await shown(visitor, "/web/models/outlook?name=acme/m")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AccessDenied("It is gated.", hint="Set HF_TOKEN."), "Set HF_TOKEN."),
        (DownloadFailed("The hub is away."), "The catalogue says"),
        (ModelNotFound("There is no such repository."), "There is no such repository."),
    ],
)
async def test_what_stands_in_the_way_is_told(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, error: LlmdError, told: str
) -> None:
    looks(monkeypatch, error)
    assert told in await shown(visitor, "/web/models/outlook?name=qwen3-4b")


async def test_types_that_are_advised_stand_apart(
    bench: Bench, visitor: Visitor, tmp_path: Path
) -> None:
    bench.store.register(write(tmp_path / "m.gguf", {"general.file_type": 1}), "m")
    text = await shown(visitor, "/web/models/quantize?name=m")
    assert 'value="Q4_K_M" required checked' in text
    advised, _, others = text.partition("Not advised")
    assert 'value="F32"' not in advised
    assert 'value="F32" required data-refused' in others


async def test_deleting_says_what_goes_and_what_shares_the_file(
    bench: Bench, visitor: Visitor, tmp_path: Path
) -> None:
    path = write(tmp_path / "m.gguf")
    bench.store.register(path, "m", owned=True)
    assert "The file is deleted:" in await shown(visitor, "/web/models/delete?name=m")
    bench.store.copy("m", "twin")
    assert "The file stays: twin use it too." in await shown(visitor, "/web/models/delete?name=m")
    bench.store.register(write(tmp_path / "mine.gguf"), "mine")
    text = await shown(visitor, "/web/models/delete?name=mine")
    assert "llmd did not fetch it" in text
    assert str(tmp_path / "mine.gguf") in text


async def test_deleting_a_default_says_who_answers_instead(
    bench: Bench, visitor: Visitor, tmp_path: Path
) -> None:
    bench.store.register(write(tmp_path / "m.gguf"), "m")
    await visitor.send("/web/models/default", purpose="chat", name="m")
    assert "It is the default (Chat)" in await shown(visitor, "/web/models/delete?name=m")


async def test_an_admin_gets_all_dialogs(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in("root", Role.ADMIN)
    for path in ("load", "copy", "delete"):
        await shown(visitor, f"/web/models/{path}?name=llmd-tiny")
