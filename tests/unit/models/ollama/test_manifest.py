"""Which layer of an Ollama manifest is what, and which manifests are refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.models.ollama import manifest
from llmd.models.ollama.manifest import BadManifest
from tests.fakes import tool_stores
from tests.fakes.tool_stores import layer


def parsed(*layers: dict[str, object], **fields: object) -> manifest.Manifest:
    body = {**json.loads(tool_stores.manifest(list(layers))), **fields}
    return manifest.parse(json.dumps(body).encode())


def test_layers_are_sorted_by_their_media_type() -> None:
    parts = manifest.parts(
        parsed(
            layer("license", b"MIT"),
            layer("model", b"GGUF"),
            layer("template", b"{{ .Prompt }}"),
            layer("projector", b"clip"),
            layer("adapter", b"lora"),
            layer("params", b"{}"),
            layer("system", b"Be kind."),
            layer("messages", b"[]"),
        )
    )
    assert parts.model.sha256 == tool_stores.sha256(b"GGUF")
    assert [one.role for one in parts.files] == ["model", "projector", "adapter"]
    assert [one.role for one in parts.texts] == ["params", "system", "messages", "license"]


def test_parameters_of_a_media_type_do_not_matter() -> None:
    one = {**layer("model", b"GGUF"), "mediaType": tool_stores.MEDIA + "model; format=gguf"}
    assert manifest.parts(parsed(one)).model.size == 4


def test_of_a_list_the_variant_for_llama_cpp_is_taken() -> None:
    mlx = {"runner": "mlx", "format": "safetensors", "layers": [layer("tensor", b"t")]}
    cpp = {"runner": "llamacpp", "format": "gguf", "layers": [layer("model", b"GGUF")]}
    listed = manifest.parse(json.dumps({"manifests": [mlx, cpp]}).encode())
    assert manifest.parts(manifest.runnable(listed)).model.size == 4
    with pytest.raises(BadManifest, match="no GGUF variant, only: mlx"):
        manifest.runnable(manifest.parse(json.dumps({"manifests": [mlx]}).encode()))


def test_a_list_may_refer_to_manifests_that_are_blobs() -> None:
    listed = {"manifests": [{"runner": "ollama", "digest": "sha256:" + "a" * 64}]}
    assert manifest.runnable(manifest.parse(json.dumps(listed).encode())).is_reference


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ([], "no weights"),
        ([layer("system", b"x")], "no weights"),
        ([layer("tensor", b"x")], "safetensors"),
        ([layer("model", b"a"), layer("model", b"b")], "2 files"),
        ([{**layer("model", b"a"), "digest": "sha256:../../etc/passwd"}], "no usable digest"),
        ([{**layer("model", b"a"), "digest": "md5:" + "a" * 32}], "no usable digest"),
        ([{**layer("model", b"a"), "size": -1}], "no usable digest"),
        ([layer("model", b"a"), {**layer("system", b""), "size": 2**40}], "layer of system"),
        ([layer("model", b"a")] * 5000, "5000 layers"),
    ],
)
def test_what_is_not_one_gguf_file_is_refused(layers: list[dict[str, object]], why: str) -> None:
    with pytest.raises(BadManifest, match=why):
        manifest.parts(parsed(*layers))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"layers": 3}', '{"layers": [{"size": "x"}]}', "[" * 100_000]
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(BadManifest, match="no manifest"):
        manifest.parse(text.encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        manifest.parts(manifest.runnable(manifest.parse(data)))
    except BadManifest:
        return
