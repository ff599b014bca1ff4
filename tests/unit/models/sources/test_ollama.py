"""Pulls from a registry that speaks Ollama's protocol, on loopback; what the transfer itself bears is tested with it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmd.errors import AccessDenied, DownloadFailed, LlmdError, ModelNotFound, NoRoom
from llmd.models.ollama.store import OllamaStore
from llmd.models.sources import ollama
from llmd.models.sources.lines import Fetched, Terms
from llmd.models.sources.ollama import Wanted
from llmd.models.sources.report import Report
from llmd.models.sources.transfer import Transfer
from llmd.protocol.models import SamplingDefaults
from tests.fakes import tool_stores
from tests.fakes.gguf import gguf
from tests.fakes.registries import OllamaRegistry, serving
from tests.fakes.tool_stores import OllamaDirectory, layer, sha256
from tests.unit.models.sources.conftest import check_named

WEIGHTS = gguf({"general.architecture": "llama"}, data=bytes(256)) + bytes(300_000)
PROJECTOR = gguf({"general.architecture": "clip"})


@pytest.fixture
async def registry(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OllamaRegistry]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr("time.sleep", lambda _: None)
    registry = OllamaRegistry()
    registry.add(
        "library/poet:7b",
        {
            "model": WEIGHTS,
            "template": b"{{ .Prompt }}",
            "system": "写诗。".encode(),
            "params": b'{"temperature": 0.3, "stop": ["<end>"], "num_ctx": 512}',
            "license": b"MIT",
        },
    )
    async with serving(registry):
        yield registry


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "llmd" / "models"


async def pull(
    registry: OllamaRegistry,
    models: Path,
    name: str = "poet",
    tag: str = "7b",
    stores: list[OllamaStore] | None = None,
) -> Fetched:
    """Pull, and see that the name was told before anything was fetched."""
    said = io.BytesIO()
    transfer = Transfer(Report(said), Terms(stall_timeout=5))
    wanted = Wanted(registry.url, name, tag)
    fetched = await asyncio.to_thread(ollama.pull, wanted, models, stores or [], transfer)
    check_named(said, fetched)
    return fetched


async def failure(registry: OllamaRegistry, models: Path, **wanted: str) -> LlmdError:
    with pytest.raises(LlmdError) as error:
        await pull(registry, models, **wanted)
    return error.value


async def test_a_model_comes_with_what_its_layers_say(
    registry: OllamaRegistry, models: Path
) -> None:
    fetched = await pull(registry, models)
    blob = models / "blobs" / f"sha256-{sha256(WEIGHTS)}"
    assert fetched.files == [str(blob)]
    assert blob.read_bytes() == WEIGHTS
    assert fetched.fresh
    assert (fetched.name, fetched.source) == ("poet:7b", "ollama://poet:7b")
    assert fetched.revision == f"sha256:{sha256(registry.manifests['library/poet:7b'])}"
    assert fetched.preset.system == "写诗。"
    assert fetched.preset.license == "MIT"
    assert fetched.preset.sampling == SamplingDefaults(temperature=0.3, stop=["<end>"])
    assert fetched.preset.template == ""
    assert fetched.options.context_length == 512
    assert fetched.digests == {str(blob): sha256(WEIGHTS)}
    assert not any(sha256(b"{{ .Prompt }}") in call for call in registry.calls)


async def test_users_have_models_too_and_companions_come_along(
    registry: OllamaRegistry, models: Path
) -> None:
    registry.add(
        "someone/eye:latest", {"model": WEIGHTS, "projector": PROJECTOR, "adapter": b"GGUF lora"}
    )
    fetched = await pull(registry, models, "someone/eye", "latest")
    assert fetched.name == "someone/eye:latest"
    assert Path(fetched.projector).read_bytes() == PROJECTOR
    assert [Path(path).read_bytes() for path in fetched.adapters] == [b"GGUF lora"]
    assert len(fetched.digests) == 3


async def test_the_second_time_nothing_is_sent_again(
    registry: OllamaRegistry, models: Path
) -> None:
    await pull(registry, models)
    registry.sent.clear()
    fetched = await pull(registry, models)
    assert fetched.fresh, "it is llmd's own"
    assert not [path for path in registry.sent if sha256(WEIGHTS) in path]


async def test_what_ollama_has_is_used_where_it_lies(
    registry: OllamaRegistry, models: Path, tmp_path: Path
) -> None:
    directory = OllamaDirectory(tmp_path / "ollama")
    blob = directory.blob(WEIGHTS)
    directory.blob(b"MIT")
    fetched = await pull(registry, models, stores=[OllamaStore(directory.root)])
    assert (fetched.files, fetched.fresh) == ([str(blob)], False)
    assert not [path for path in registry.sent if sha256(WEIGHTS) in path]
    assert not [path for path in registry.sent if sha256(b"MIT") in path]
    assert not models.exists()


async def test_what_is_removed_later_is_llmds_as_a_whole(
    registry: OllamaRegistry, models: Path, tmp_path: Path
) -> None:
    registry.add("library/eye:1", {"model": WEIGHTS, "projector": PROJECTOR})
    directory = OllamaDirectory(tmp_path / "ollama")
    theirs = directory.blob(WEIGHTS)
    fetched = await pull(registry, models, "eye", "1", [OllamaStore(directory.root)])
    assert fetched.fresh
    assert all(Path(path).is_relative_to(models) for path in [*fetched.files, fetched.projector])
    assert Path(fetched.files[0]).samefile(theirs), "by a second name, not by a download"
    assert not [path for path in registry.sent if sha256(WEIGHTS) in path]


async def test_a_damaged_text_of_ollamas_is_fetched(
    registry: OllamaRegistry, models: Path, tmp_path: Path
) -> None:
    directory = OllamaDirectory(tmp_path / "ollama")
    directory.blob("写诗。".encode()).write_bytes("写画。".encode())
    fetched = await pull(registry, models, stores=[OllamaStore(directory.root)])
    assert fetched.preset.system == "写诗。"


async def test_a_cut_is_continued(registry: OllamaRegistry, models: Path) -> None:
    registry.add("library/plain:1", {"model": WEIGHTS})
    registry.cut_after = [100_000]
    fetched = await pull(registry, models, "plain", "1")
    assert Path(fetched.files[0]).read_bytes() == WEIGHTS


async def test_a_wrong_digest_leaves_nothing(registry: OllamaRegistry, models: Path) -> None:
    registry.blobs[f"sha256:{sha256(WEIGHTS)}"] = WEIGHTS[:-1] + b"x"
    error = await failure(registry, models)
    assert isinstance(error, DownloadFailed)
    assert error.details["expected"] == sha256(WEIGHTS)
    assert not list((models / "blobs").glob("sha256-*"))


async def test_a_wrong_text_is_refused(registry: OllamaRegistry, models: Path) -> None:
    registry.blobs[f"sha256:{sha256(b'MIT')}"] = b"BSD"
    error = await failure(registry, models)
    assert "not what its manifest says" in error.message


async def test_a_missing_blob_is_named(registry: OllamaRegistry, models: Path) -> None:
    del registry.blobs[f"sha256:{sha256(WEIGHTS)}"]
    error = await failure(registry, models)
    assert isinstance(error, ModelNotFound)
    assert "poet:7b (model)" in error.message


async def test_a_tag_that_is_not_there_suggests_others(
    registry: OllamaRegistry, models: Path
) -> None:
    error = await failure(registry, models, tag="7bb")
    assert isinstance(error, ModelNotFound)
    assert "poet has: 7b" in error.hint
    assert error.details["suggestions"] == ["poet:7b"]
    registry.lists_tags = False
    error = await failure(registry, models, tag="7bb")
    assert "ollama.com/library" in error.hint


async def test_a_private_model_is_explained(registry: OllamaRegistry, models: Path) -> None:
    registry.private.add("library/poet")
    error = await failure(registry, models)
    assert isinstance(error, AccessDenied)
    assert "Private" in error.hint


async def test_trouble_that_passes_is_waited_out_and_lasting_trouble_is_told(
    registry: OllamaRegistry, models: Path
) -> None:
    registry.refuse = [503, 429]
    assert (await pull(registry, models)).fresh
    registry.refuse = [500] * 20
    assert isinstance(await failure(registry, models), DownloadFailed)


async def test_an_unreachable_registry_is_told(registry: OllamaRegistry, models: Path) -> None:
    registry.url = "http://127.0.0.1:9"
    error = await failure(registry, models)
    assert isinstance(error, DownloadFailed)
    assert "No connection" in error.message


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>", "See OLLAMA_REGISTRY"),
        (tool_stores.manifest([layer("tensor", b"x")]), "GGUF"),
        (tool_stores.manifest([]), "GGUF"),
        (json.dumps({"manifests": [{"runner": "mlx"}]}).encode(), "OLLAMA_REGISTRY"),
    ],
)
async def test_what_llama_cpp_cannot_run_is_refused_before_a_byte(
    registry: OllamaRegistry, models: Path, body: bytes, why: str
) -> None:
    registry.manifests["library/poet:7b"] = body
    error = await failure(registry, models)
    assert isinstance(error, DownloadFailed)
    assert why in error.hint
    assert not models.exists()


async def test_a_list_of_manifests_leads_to_the_one_for_llama_cpp(
    registry: OllamaRegistry, models: Path
) -> None:
    inner = tool_stores.manifest([layer("model", WEIGHTS)])
    registry.blobs[f"sha256:{sha256(inner)}"] = inner
    listed = {
        "manifests": [
            {"runner": "mlx", "digest": "a" * 64},
            {"runner": "llamacpp", "digest": sha256(inner)},
        ]
    }
    registry.manifests["library/poet:7b"] = json.dumps(listed).encode()
    fetched = await pull(registry, models)
    assert fetched.revision == f"sha256:{sha256(inner)}"
    registry.blobs[f"sha256:{sha256(inner)}"] = inner + b" "
    assert "not what its manifest says" in (await failure(registry, models)).message


async def test_a_full_disk_is_seen_before(registry: OllamaRegistry, models: Path) -> None:
    huge = {**layer("model", WEIGHTS), "size": 2**60}
    registry.manifests["library/poet:7b"] = tool_stores.manifest([huge])
    assert isinstance(await failure(registry, models), NoRoom)


def test_addresses_follow_dockers_rules() -> None:
    wanted = Wanted("https://r", "poet", "7b")
    assert wanted.url("manifests", "7b") == "https://r/v2/library/poet/manifests/7b"
    assert (
        Wanted("https://r", "a/b", "c").url("blobs", "sha256:x")
        == "https://r/v2/a/b/blobs/sha256:x"
    )
