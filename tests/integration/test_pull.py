"""Pulls with the real huggingface_hub, in its real child process, from a hub on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from llmd.config.settings import DownloadSettings
from llmd.config.values import Duration
from llmd.errors import (
    AccessDenied,
    CorruptFile,
    DownloadFailed,
    InvalidRequest,
    LlmdError,
    ModelNotFound,
    NameTaken,
    NoRoom,
    UnsupportedFormat,
)
from llmd.models.catalog import Catalogue
from llmd.models.download import Downloads
from llmd.models.store import ModelStore
from llmd.protocol.models import Kind, ModelManifest, PullProgress
from tests.fakes.gguf import write_split
from tests.fakes.hub import BLOCK, COMMIT, Hub, Repo, serving
from tests.fakes.processes import running

VisionFiles = Callable[[str], tuple[Path, Path]]
MODULE = "llmd.models.sources.huggingface"


@pytest.fixture
async def hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> AsyncIterator[Hub]:
    content = tiny_model.read_bytes()
    hub = Hub(repos={"acme/tiny-GGUF": Repo({"README.md": b"# tiny", "tiny-Q8_0.gguf": content})})
    async with serving(hub):
        for name in [name for name in os.environ if name.startswith(("HF_", "HUGGING"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield hub


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", tiny_model)


@pytest.fixture
async def downloads(store: ModelStore) -> AsyncIterator[Downloads]:
    downloads = Downloads(store)
    yield downloads
    await downloads.close()
    assert not children()


async def fetch(downloads: Downloads, name: str) -> tuple[ModelManifest, list[PullProgress]]:
    events = [event async for event in downloads.pull(name)]
    manifest = events.pop()
    assert isinstance(manifest, ModelManifest)
    return manifest, [event for event in events if isinstance(event, PullProgress)]


def children() -> list[psutil.Process]:
    return running(MODULE)


async def until_bytes_came(downloads: Downloads, name: str, enough: int) -> None:
    """Watch a pull until `enough` bytes are there, then leave it."""
    async with aclosing(downloads.pull(name)) as events:
        async for event in events:
            if isinstance(event, PullProgress) and event.done >= enough:
                return


async def test_a_pull_fetches_registers_and_reports(
    hub: Hub, downloads: Downloads, store: ModelStore, tiny_model: Path
) -> None:
    manifest, progress = await fetch(downloads, "acme/tiny-GGUF")
    size = tiny_model.stat().st_size
    assert manifest.name == "acme/tiny-GGUF:Q8_0"
    assert manifest.source == "hf://acme/tiny-GGUF/tiny-Q8_0.gguf"
    assert manifest.owned
    assert manifest.kind is Kind.CHAT
    assert manifest.size == size
    assert Path(manifest.path).read_bytes() == tiny_model.read_bytes()
    assert progress[0].status == "resolving"
    assert {"downloading", "registering", "done"} <= {event.status for event in progress}
    assert progress[-1].done == progress[-1].total == size
    assert store.get("acme/tiny-GGUF") == manifest
    assert store.default(Kind.CHAT) == manifest


async def test_the_cache_is_the_one_that_other_tools_share(
    hub: Hub, downloads: Downloads, tmp_path: Path
) -> None:
    manifest, _ = await fetch(downloads, "acme/tiny-GGUF:Q8_0")
    snapshot = (
        tmp_path
        / "hf"
        / "hub"
        / "models--acme--tiny-GGUF"
        / "snapshots"
        / COMMIT
        / "tiny-Q8_0.gguf"
    )
    assert manifest.path == str(snapshot)
    looked_up = subprocess.run(
        [
            *(sys.executable, "-c"),
            "from huggingface_hub import hf_hub_download as d; print(d('acme/tiny-GGUF', 'tiny-Q8_0.gguf'))",
        ],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"},
    )
    assert looked_up.stdout.strip() == str(snapshot)


async def test_removing_a_pulled_model_frees_its_bytes(
    hub: Hub, downloads: Downloads, store: ModelStore, tmp_path: Path
) -> None:
    manifest, _ = await fetch(downloads, "acme/tiny-GGUF")
    removed = store.remove(manifest.name)
    assert removed.freed >= manifest.size
    assert removed.kept_file is None
    assert not (tmp_path / "hf" / "hub" / "models--acme--tiny-GGUF").exists()


async def other_tool_fetches(repo: str, file: str) -> None:
    code = f"from huggingface_hub import hf_hub_download as d; d({repo!r}, {file!r})"
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stderr=asyncio.subprocess.DEVNULL
    )
    assert await other.wait() == 0


async def test_what_another_tool_fetched_is_used_and_never_deleted(
    hub: Hub, downloads: Downloads, store: ModelStore
) -> None:
    await other_tool_fetches("acme/tiny-GGUF", "tiny-Q8_0.gguf")
    before = len(hub.served)
    manifest, _ = await fetch(downloads, "acme/tiny-GGUF")
    assert len(hub.served) == before
    assert not manifest.owned
    assert store.remove(manifest.name).kept_file == manifest.path


async def test_what_another_tool_fetched_in_part_is_not_deleted_either(
    hub: Hub, downloads: Downloads, store: ModelStore, vision_files: VisionFiles
) -> None:
    model, projector = vision_files("both")
    hub.repos["acme/seeing-GGUF"] = Repo(
        {"m-Q4_0.gguf": model.read_bytes(), "mmproj-m-F16.gguf": projector.read_bytes()}
    )
    await other_tool_fetches("acme/seeing-GGUF", "m-Q4_0.gguf")
    manifest, _ = await fetch(downloads, "acme/seeing-GGUF")
    assert manifest.vision
    assert store.remove(manifest.name).kept_file == manifest.path
    assert Path(manifest.path).read_bytes() == model.read_bytes()


async def test_a_file_of_the_cache_that_was_cut_off_is_fetched_again(
    hub: Hub, downloads: Downloads, tiny_model: Path
) -> None:
    await other_tool_fetches("acme/tiny-GGUF", "tiny-Q8_0.gguf")
    manifest, _ = await fetch(downloads, "acme/tiny-GGUF")
    blob = Path(os.path.realpath(manifest.path))
    for left in (0, 7 * BLOCK):
        os.truncate(blob, left)
        await fetch(downloads, "acme/tiny-GGUF")
        assert blob.read_bytes() == tiny_model.read_bytes()


async def test_a_cut_connection_is_continued_not_begun_again(
    hub: Hub, downloads: Downloads, tiny_model: Path
) -> None:
    hub.cut_after = [10 * BLOCK, 5 * BLOCK]
    await fetch(downloads, "acme/tiny-GGUF")
    assert [served.start for served in hub.served] == [0, 10 * BLOCK, 15 * BLOCK]
    assert sum(served.sent for served in hub.served) == tiny_model.stat().st_size


async def test_leaving_keeps_the_bytes_for_the_next_pull(
    hub: Hub, downloads: Downloads, tiny_model: Path
) -> None:
    hub.pause = 0.02
    await until_bytes_came(downloads, "acme/tiny-GGUF", 5 * BLOCK)
    assert not children()
    hub.pause = 0
    _, progress = await fetch(downloads, "acme/tiny-GGUF")
    second = hub.served[-1]
    assert second.start >= 5 * BLOCK
    assert second.start + second.sent == tiny_model.stat().st_size
    assert all(event.done >= 5 * BLOCK for event in progress if event.status == "downloading")


async def test_a_killed_child_loses_nothing(
    hub: Hub, downloads: Downloads, store: ModelStore
) -> None:
    hub.pause = 0.02
    with pytest.raises(DownloadFailed, match="signal 9") as failure:
        async for event in downloads.pull("acme/tiny-GGUF"):
            if isinstance(event, PullProgress) and event.done >= 5 * BLOCK:
                children()[0].send_signal(signal.SIGKILL)
    assert "again" in failure.value.hint
    assert [model.name for model in store.list()] == ["llmd-tiny"]
    hub.pause = 0
    await fetch(downloads, "acme/tiny-GGUF")
    assert hub.served[-1].start >= 5 * BLOCK


async def test_the_child_ends_when_its_parent_does(hub: Hub) -> None:
    hub.stall_after = BLOCK
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE, "acme/tiny-GGUF"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin
    assert child.stdout
    await child.stdout.readline()
    child.stdin.close()
    assert await asyncio.wait_for(child.wait(), 10) == 1


async def test_two_pulls_of_one_model_share_one_child(hub: Hub, downloads: Downloads) -> None:
    hub.pause = 0.01
    results = await asyncio.gather(*(fetch(downloads, "acme/tiny-GGUF") for _ in range(3)))
    assert len({manifest.added for manifest, _ in results}) == 1
    assert [served.start for served in hub.served] == [0]


async def test_a_pull_right_after_the_last_one_left_goes_on(hub: Hub, downloads: Downloads) -> None:
    hub.pause = 0.005
    leaving = asyncio.ensure_future(until_bytes_came(downloads, "acme/tiny-GGUF", BLOCK))
    while not any(call.startswith("GET /acme") for call in hub.calls):
        await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.sleep(0)
    manifest, _ = await fetch(downloads, "acme/tiny-GGUF")
    assert manifest.name == "acme/tiny-GGUF:Q8_0"


async def test_one_watcher_may_leave_while_the_other_stays(hub: Hub, downloads: Downloads) -> None:
    hub.pause = 0.01
    staying = asyncio.ensure_future(fetch(downloads, "acme/tiny-GGUF"))
    await until_bytes_came(downloads, "acme/tiny-GGUF", BLOCK)
    manifest, _ = await staying
    assert manifest.name == "acme/tiny-GGUF:Q8_0"
    assert len(hub.served) == 1


async def test_two_processes_do_not_write_into_one_file(
    hub: Hub, tmp_path: Path, tiny_model: Path
) -> None:
    hub.pause = 0.005
    both = [Downloads(ModelStore(tmp_path / name, tiny_model)) for name in ("one", "two")]
    results = await asyncio.gather(*(fetch(downloads, "acme/tiny-GGUF") for downloads in both))
    for manifest, _ in results:
        assert Path(manifest.path).read_bytes() == tiny_model.read_bytes()
    assert sum(served.sent for served in hub.served) == tiny_model.stat().st_size


async def test_a_gated_repository_says_where_to_accept_its_licence(
    hub: Hub, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["acme/tiny-GGUF"].gated = True
    hub.token = "hf_goodToken"
    with pytest.raises(AccessDenied, match="gated") as failure:
        await fetch(downloads, "acme/tiny-GGUF")
    assert f"{hub.url}/acme/tiny-GGUF" in failure.value.hint
    assert "HF_TOKEN" in failure.value.hint
    monkeypatch.setenv("HF_TOKEN", hub.token)
    await fetch(downloads, "acme/tiny-GGUF")


async def test_a_repository_that_does_not_exist(hub: Hub, downloads: Downloads) -> None:
    with pytest.raises(ModelNotFound, match="no repository acme/nothing"):
        await fetch(downloads, "acme/nothing")


async def test_a_repository_without_gguf_files(hub: Hub, downloads: Downloads) -> None:
    hub.repos["acme/weights"] = Repo({"model.safetensors": b"x", "mmproj-F16.gguf": b"x"})
    with pytest.raises(UnsupportedFormat, match="safetensors"):
        await fetch(downloads, "acme/weights")
    hub.repos["acme/words"] = Repo({"README.md": b"x", "mmproj-F16.gguf": b"x"})
    with pytest.raises(ModelNotFound, match="no GGUF model"):
        await fetch(downloads, "acme/words")


async def test_quantisations_are_chosen_by_preference_or_by_name(
    hub: Hub, downloads: Downloads, tiny_model: Path
) -> None:
    content = tiny_model.read_bytes()
    names = ("m-F16.gguf", "m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-m-F16.gguf")
    hub.repos["acme/many"] = Repo(dict.fromkeys(names, content))
    assert (await fetch(downloads, "acme/many"))[0].name == "acme/many:Q4_K_M"
    assert (await fetch(downloads, "hf.co/acme/many:q8_0"))[0].name == "acme/many:Q8_0"
    manifest, _ = await fetch(downloads, "hf://acme/many/m-F16.gguf")
    assert manifest.name == "acme/many:F16"
    assert Path(manifest.path).name == "m-F16.gguf"
    with pytest.raises(ModelNotFound, match="no Q5_K_M") as failure:
        await fetch(downloads, "acme/many:Q5_K_M")
    assert "F16, Q4_K_M, Q8_0" in failure.value.hint


async def test_all_parts_of_a_split_model_come(
    hub: Hub, downloads: Downloads, tmp_path: Path
) -> None:
    split_model = write_split(tmp_path / "split")
    hub.repos["acme/split"] = Repo({f"Q8_0/{part.name}": part.read_bytes() for part in split_model})
    manifest, progress = await fetch(downloads, "acme/split")
    assert [Path(file).name for file in manifest.files] == [part.name for part in split_model]
    assert manifest.size == progress[-1].total == sum(part.stat().st_size for part in split_model)


async def test_an_alias_names_the_model(hub: Hub, store: ModelStore, tmp_path: Path) -> None:
    own = tmp_path / "catalog.toml"
    own.write_text(
        "[[model]]\nalias = 'tiny'\nalso = ['tiny:4m']\nsource = 'acme/tiny-GGUF'\n"
        "file = 'tiny-{quantization}.gguf'\nquantization = 'Q8_0'\nquantizations = { Q8_0 = 1 }\n"
        "sampling = { temperature = 0.3 }\n",
        encoding="utf-8",
    )
    catalogue = Catalogue(own)
    downloads = Downloads(store, catalogue)
    manifest, _ = await fetch(downloads, "tiny:4m")
    assert (manifest.name, manifest.preset.sampling.temperature) == ("tiny", 0.3)
    mine = ModelStore(store.directory, Path(store.builtin().path), catalogue)
    assert mine.get("tiny:4m") == mine.get("tiny@q8_0") == manifest
    with pytest.raises(ModelNotFound, match="no tinny") as failure:
        await fetch(downloads, "tinny")
    assert "Did you mean tiny?" in failure.value.hint
    await downloads.close()


async def test_the_builtin_model_and_files_need_no_download(hub: Hub, downloads: Downloads) -> None:
    manifest, _ = await fetch(downloads, "llmd-tiny")
    assert manifest.source == "builtin"
    with pytest.raises(InvalidRequest, match="file on this machine"):
        await fetch(downloads, "./some.gguf")
    assert hub.calls == []


async def test_what_is_no_gguf_is_refused_and_not_kept(
    hub: Hub, downloads: Downloads, store: ModelStore, tmp_path: Path
) -> None:
    hub.repos["acme/page"] = Repo({"page-Q4_0.gguf": b"<html>Sorry</html>" * 100})
    with pytest.raises(CorruptFile, match="GGUF"):
        await fetch(downloads, "acme/page")
    assert [model.name for model in store.list()] == ["llmd-tiny"]
    assert not (tmp_path / "hf" / "hub" / "models--acme--page").exists()


async def test_bytes_that_do_not_match_the_digest_are_thrown_away(
    hub: Hub, downloads: Downloads, store: ModelStore, tmp_path: Path
) -> None:
    hub.repos["acme/tiny-GGUF"].wrong_digest = True
    with pytest.raises(DownloadFailed, match="not what the source says"):
        await fetch(downloads, "acme/tiny-GGUF")
    blobs = tmp_path / "hf" / "hub" / "models--acme--tiny-GGUF" / "blobs"
    assert sum(blob.stat().st_size for blob in blobs.iterdir()) == 0
    assert [model.name for model in store.list()] == ["llmd-tiny"]


async def test_a_server_cannot_choose_where_its_bytes_go(hub: Hub, downloads: Downloads) -> None:
    hub.repos["acme/tiny-GGUF"].etag = "../../../../escaped"
    with pytest.raises(DownloadFailed, match="does not answer like"):
        await fetch(downloads, "acme/tiny-GGUF")
    assert hub.served == []


async def test_a_server_that_ignores_ranges_starts_the_file_over(
    hub: Hub, downloads: Downloads, tiny_model: Path
) -> None:
    hub.ranges = False
    hub.cut_after = [10 * BLOCK]
    manifest, _ = await fetch(downloads, "acme/tiny-GGUF")
    assert Path(manifest.path).read_bytes() == tiny_model.read_bytes()
    assert [served.start for served in hub.served] == [0, 0]


async def test_overload_and_faults_of_the_server_pass(hub: Hub, downloads: Downloads) -> None:
    hub.refuse = [429]
    hub.refuse_content = [500, 503]
    manifest, _ = await fetch(downloads, "acme/tiny-GGUF")
    assert manifest.name == "acme/tiny-GGUF:Q8_0"


async def test_a_server_that_stays_broken_is_reported(hub: Hub, downloads: Downloads) -> None:
    hub.refuse = [500] * 20
    with pytest.raises(DownloadFailed, match="HTTP 500"):
        await fetch(downloads, "acme/tiny-GGUF")


async def test_a_stalled_connection_is_given_up_and_continued(
    hub: Hub, store: ModelStore, tiny_model: Path
) -> None:
    downloads = Downloads(store, settings=DownloadSettings(stall_timeout=Duration(1)))
    hub.stall_after = 40 * BLOCK
    manifest, _ = await fetch(downloads, "acme/tiny-GGUF")
    await downloads.close()
    assert Path(manifest.path).read_bytes() == tiny_model.read_bytes()
    assert 40 * BLOCK in [served.start for served in hub.served]


async def test_no_network(hub: Hub, downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(DownloadFailed, match="No connection") as failure:
        await fetch(downloads, "acme/tiny-GGUF")
    assert "again" in failure.value.hint


async def test_offline_mode_is_honoured(
    hub: Hub, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DownloadFailed, match="HF_HUB_OFFLINE"):
        await fetch(downloads, "acme/tiny-GGUF")


async def test_a_model_larger_than_the_disk_is_not_begun(hub: Hub, downloads: Downloads) -> None:
    hub.repos["acme/tiny-GGUF"].claimed_size = 10**17
    with pytest.raises(NoRoom, match=r"100000000\.0 GB more") as failure:
        await fetch(downloads, "acme/tiny-GGUF")
    assert failure.value.details["needed"] == 10**17
    assert hub.served == []


async def test_a_name_that_is_taken_is_not_taken_over(
    hub: Hub, downloads: Downloads, store: ModelStore, tmp_path: Path, embedding_model: Path
) -> None:
    store.register(embedding_model, "acme/tiny-GGUF:Q8_0")
    with pytest.raises(NameTaken):
        await fetch(downloads, "acme/tiny-GGUF")
    assert store.get("acme/tiny-GGUF:Q8_0").path == str(embedding_model)
    assert hub.served == []


async def test_pulling_again_fetches_nothing_and_stays_owned(
    hub: Hub, downloads: Downloads, store: ModelStore
) -> None:
    first, _ = await fetch(downloads, "acme/tiny-GGUF")
    served = len(hub.served)
    second, _ = await fetch(downloads, "acme/tiny-GGUF")
    assert len(hub.served) == served
    assert second.path == first.path
    assert second.owned


async def test_closing_stops_everything_and_tells_the_watchers(hub: Hub, store: ModelStore) -> None:
    hub.pause = 0.05
    downloads = Downloads(store)
    watching = asyncio.ensure_future(fetch(downloads, "acme/tiny-GGUF"))
    while not hub.calls:
        await asyncio.sleep(0.01)
    await downloads.close()
    with pytest.raises(LlmdError, match="stopped"):
        await watching
    assert not children()


async def test_standard_output_carries_lines_alone(hub: Hub) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE, "not a repository"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout
    first, last = [json.loads(line) async for line in child.stdout]
    assert first["type"] == "progress"
    assert last["error"]["code"] == "invalid_request"
    assert await child.wait() == 0


async def test_a_file_too_large_for_plain_http_goes_the_hubs_own_way(hub: Hub) -> None:
    code = (
        "import sys\n"
        "from llmd.models.sources import huggingface as h\n"
        "from dataclasses import replace\n"
        "plan = h._plan\n"
        "h._plan = lambda *a: replace(plan(*a), xet_only=True)\n"
        "sys.exit(h.main(['acme/large']))"
    )
    content = bytes(24 * 2**20)
    hub.repos["acme/large"] = Repo({"large-Q8_0.gguf": content})
    hub.pause = 0.001
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout
    lines = [json.loads(line) async for line in child.stdout]
    assert await child.wait() == 0
    assert any(0 < line.get("done", 0) <= len(content) for line in lines)
    assert Path(lines[-1]["files"][0]).read_bytes() == content


async def test_the_projector_of_a_model_comes_along_and_goes_with_it(
    hub: Hub, store: ModelStore, downloads: Downloads, vision_files: VisionFiles
) -> None:
    model, projector = vision_files("both")
    files = {"m-Q4_0.gguf": model.read_bytes(), "mmproj-m-F16.gguf": projector.read_bytes()}
    hub.repos["acme/seeing-GGUF"] = Repo(files)
    manifest, _ = await fetch(downloads, "acme/seeing-GGUF")
    assert (manifest.vision, manifest.audio, manifest.owned) == (True, True, True)
    assert Path(manifest.projector).read_bytes() == files["mmproj-m-F16.gguf"]
    assert manifest.size == sum(map(len, files.values()))
    store.remove(manifest.name)
    assert not Path(manifest.projector).exists()


async def test_a_projector_that_does_not_fit_is_left_out(
    hub: Hub, downloads: Downloads, vision_files: VisionFiles, tiny_model: Path
) -> None:
    projector = vision_files("tiled")[1].read_bytes()
    hub.repos["acme/odd-GGUF"] = Repo(
        {"m-Q8_0.gguf": tiny_model.read_bytes(), "mmproj-F16.gguf": projector}
    )
    manifest, _ = await fetch(downloads, "acme/odd-GGUF")
    assert (manifest.projector, manifest.vision) == ("", False)


async def test_a_look_tells_the_size_and_fetches_nothing(
    hub: Hub, downloads: Downloads, store: ModelStore, tiny_model: Path, tmp_path: Path
) -> None:
    found = await downloads.look("acme/tiny-GGUF")
    assert (found.size, found.here, found.problem) == (tiny_model.stat().st_size, 0, "")
    assert hub.served == []
    assert not list(tmp_path.rglob("*.gguf*"))
    hub.repos["acme/tiny-GGUF"].claimed_size = 10**17
    assert "GB more on the disk" in (await downloads.look("acme/tiny-GGUF")).problem
    hub.repos["acme/tiny-GGUF"].gated = True
    with pytest.raises(AccessDenied):
        await downloads.look("acme/tiny-GGUF")
