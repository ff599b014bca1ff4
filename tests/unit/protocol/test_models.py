from __future__ import annotations

import msgspec

from llmd.protocol.models import (
    Kind,
    LoadedModel,
    LoadProgress,
    Memory,
    ModelManifest,
    ModelState,
    PullProgress,
)

MANIFEST = ModelManifest(
    name="x",
    path="/x.gguf",
    source="file:///x.gguf",
    kind=Kind.CHAT,
    architecture="llama",
    parameters=1,
    quantization="Q8_0",
    size=2,
    context_length=3,
    added=4.5,
    owned=False,
)
LOADED = LoadedModel(
    name="x", state=ModelState.READY, kind=Kind.CHAT, pid=1, memory=Memory(1, 2, 3)
)


def test_a_manifest_is_stored_as_json_and_read_back() -> None:
    assert msgspec.json.decode(msgspec.json.encode(MANIFEST), type=ModelManifest) == MANIFEST


def test_a_manifest_of_a_later_version_is_still_read() -> None:
    stored = msgspec.to_builtins(MANIFEST) | {"from_the_future": 1}
    assert msgspec.convert(stored, ModelManifest) == MANIFEST


def test_a_manifest_without_later_fields_is_still_read() -> None:
    stored = msgspec.to_builtins(MANIFEST)
    del stored["files"], stored["has_chat_template"]
    assert msgspec.convert(stored, ModelManifest) == MANIFEST


def test_loading_is_told_with_the_model_at_its_end() -> None:
    for progress in (
        LoadProgress(status="loading", fraction=0.5),
        LoadProgress(status="ready", fraction=1, model=LOADED),
    ):
        assert msgspec.json.decode(msgspec.json.encode(progress), type=LoadProgress) == progress


def test_a_model_that_stays_never_expires() -> None:
    assert msgspec.to_builtins(LOADED)["expires_in"] is None


def test_states_and_kinds_are_plain_words_on_the_wire() -> None:
    assert msgspec.to_builtins(LOADED)["state"] == "ready"
    assert msgspec.to_builtins(MANIFEST)["kind"] == "chat"


def test_a_pull_starts_with_nothing_done() -> None:
    progress = PullProgress(status="resolving")
    assert (progress.done, progress.total, progress.rate) == (0, 0, 0)
