"""Pulls from a ModelScope on loopback."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmd.errors import AccessDenied, DownloadFailed, LlmdError, ModelNotFound
from llmd.models.sources import modelscope
from llmd.models.sources.lines import Fetched, Terms
from llmd.models.sources.modelscope import Places, Site
from llmd.models.sources.report import Report
from llmd.models.sources.transfer import Transfer
from tests.fakes.gguf import gguf
from tests.fakes.registries import ModelScope, serving
from tests.fakes.tool_stores import sha256
from tests.unit.models.sources.conftest import check_named

REPO = "Qwen/Qwen2.5-0.5B-GGUF"
WEIGHTS = gguf({"general.architecture": "llama"}) + bytes(300_000)
PROJECTOR = gguf({"general.architecture": "clip"})


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ModelScope]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr("time.sleep", lambda _: None)
    files = {
        "README.md": b"# Qwen",
        "qwen-Q8_0.gguf": WEIGHTS,
        "q4/qwen-Q4_K_M-00001-of-00002.gguf": WEIGHTS,
        "q4/qwen-Q4_K_M-00002-of-00002.gguf": PROJECTOR,
    }
    server = ModelScope(repos={REPO: files})
    async with serving(server):
        yield server


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "models", (tmp_path / "hub",))


async def pull(
    server: ModelScope, places: Places, selector: str = "", repo: str = REPO, token: str = ""
) -> Fetched:
    """Pull, and see that the name was told before anything was fetched."""
    said = io.BytesIO()
    transfer = Transfer(Report(said), Terms(stall_timeout=5))
    site = Site(server.url, token)
    fetched = await asyncio.to_thread(modelscope.pull, site, repo, selector, places, transfer)
    check_named(said, fetched)
    return fetched


async def failure(server: ModelScope, places: Places, **wanted: str) -> LlmdError:
    with pytest.raises(LlmdError) as error:
        await pull(server, places, **wanted)
    return error.value


async def test_a_model_is_chosen_as_on_the_hub(server: ModelScope, places: Places) -> None:
    fetched = await pull(server, places, "q8_0")
    (file,) = fetched.files
    assert Path(file).read_bytes() == WEIGHTS
    assert Path(file).is_relative_to(places.models_dir / "modelscope" / REPO)
    assert (fetched.repo, fetched.selector, fetched.fresh) == (REPO, "Q8_0", True)
    assert fetched.source == f"modelscope://{REPO}/qwen-Q8_0.gguf"
    assert fetched.digests == {file: sha256(WEIGHTS)}


async def test_a_split_model_is_one_and_keeps_its_names(server: ModelScope, places: Places) -> None:
    fetched = await pull(server, places)
    assert [Path(file).name for file in fetched.files] == [
        "qwen-Q4_K_M-00001-of-00002.gguf",
        "qwen-Q4_K_M-00002-of-00002.gguf",
    ]
    assert len({Path(file).parent for file in fetched.files}) == 1


async def test_a_projector_comes_along(server: ModelScope, places: Places) -> None:
    server.repos["a/eye"] = {"eye-Q8_0.gguf": WEIGHTS, "mmproj-eye-F16.gguf": PROJECTOR}
    fetched = await pull(server, places, repo="a/eye")
    assert Path(fetched.projector).read_bytes() == PROJECTOR
    assert len(fetched.files) == 1
    assert set(fetched.digests) == {fetched.files[0], fetched.projector}


@pytest.mark.parametrize("folder", ["models/Qwen/Qwen2___5-0___5B-GGUF", "Qwen/Qwen2.5-0.5B-GGUF"])
async def test_what_modelscopes_tools_have_is_used_where_it_lies(
    server: ModelScope, places: Places, folder: str
) -> None:
    file = places.caches[0] / folder / "qwen-Q8_0.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(WEIGHTS)
    fetched = await pull(server, places, "Q8_0")
    assert (fetched.files, fetched.fresh, server.sent) == ([str(file)], False, [])
    file.write_bytes(WEIGHTS[:-1] + b"x")
    fetched = await pull(server, places, "Q8_0")
    assert fetched.fresh, "a damaged one is of no use"
    assert Path(fetched.files[0]).read_bytes() == WEIGHTS


async def test_a_version_that_changed_lies_elsewhere(server: ModelScope, places: Places) -> None:
    old = (await pull(server, places, "Q8_0")).files
    assert (await pull(server, places, "Q8_0")).files == old
    server.repos[REPO]["qwen-Q8_0.gguf"] = WEIGHTS[:-1] + b"x"
    new = (await pull(server, places, "Q8_0")).files
    assert new != old
    assert Path(old[0]).read_bytes() == WEIGHTS


async def test_a_cut_is_continued_and_a_wrong_digest_leaves_nothing(
    server: ModelScope, places: Places
) -> None:
    server.cut_after = [100_000]
    fetched = await pull(server, places, "Q8_0")
    assert Path(fetched.files[0]).read_bytes() == WEIGHTS
    server.wrong_digest = True
    error = await failure(server, places, selector="Q8_0")
    assert error.details["got"] == sha256(WEIGHTS)
    found = places.models_dir.rglob("*.gguf*")
    assert [str(path) for path in found if path.is_file()] == fetched.files


async def test_a_token_is_sent_in_both_ways_to_its_own_host(
    server: ModelScope, places: Places
) -> None:
    server.token = "secret"
    error = await failure(server, places)
    assert isinstance(error, AccessDenied)
    assert "MODELSCOPE_API_TOKEN" in error.hint
    await pull(server, places, "Q8_0", token="secret")
    assert server.headers[-1]["Cookie"] == "m_session_id=secret"


async def test_what_is_not_there_is_explained(server: ModelScope, places: Places) -> None:
    error = await failure(server, places, repo="nobody/nothing")
    assert isinstance(error, ModelNotFound)
    assert "Check the spelling" in error.hint
    error = await failure(server, places, selector="Q5_0")
    assert "Q8_0" in error.hint


@pytest.mark.parametrize(
    ("listing", "kind"),
    [
        ({"Code": 10010205001, "Success": False, "Message": "busy"}, DownloadFailed),
        ({"Code": 404, "Success": False, "Message": "no"}, ModelNotFound),
        ({"Code": 200, "Data": None}, DownloadFailed),
        ({"Code": 200, "Data": {"Files": None}}, ModelNotFound),
        ({"Code": "x"}, DownloadFailed),
    ],
)
async def test_answers_that_are_no_list_are_explained(
    server: ModelScope, places: Places, listing: dict[str, object], kind: type[LlmdError]
) -> None:
    server.listing = listing
    assert type(await failure(server, places)) is kind


async def test_names_that_leave_their_folder_are_passed_over(
    server: ModelScope, places: Places
) -> None:
    files = [
        {"Path": name, "Type": "blob", "Size": 9, "Sha256": ""}
        for name in ("../../x-Q8_0.gguf", "/etc/x-Q4_0.gguf", "a\nb-Q6_K.gguf")
    ]
    server.listing = {"Code": 200, "Success": True, "Data": {"Files": files}}
    assert isinstance(await failure(server, places), ModelNotFound)


def test_caches_are_where_the_environment_says(tmp_path: Path) -> None:
    usual = (tmp_path / ".cache/modelscope/hub", tmp_path / ".modelscope/hub")
    assert modelscope.caches({}, tmp_path) == usual
    told = modelscope.caches({"MODELSCOPE_CACHE": "/m"}, tmp_path)
    assert told == (Path("/m"), Path("/m/hub"), *usual)
