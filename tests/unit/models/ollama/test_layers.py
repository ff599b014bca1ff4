from __future__ import annotations

from llmd.models.ollama import layers, manifest
from llmd.models.ollama.manifest import Layer
from llmd.protocol.models import Preset, SamplingDefaults, Turn
from llmd.protocol.placement import LoadOptions
from tests.fakes import tool_stores


def preset_of(**contents: bytes) -> tuple[Preset, LoadOptions]:
    blobs = {tool_stores.sha256(data): data for data in contents.values()}
    written = [tool_stores.layer(role, data) for role, data in contents.items()]
    parts = manifest.parts(manifest.parse(tool_stores.manifest(written)))

    def text(layer: Layer) -> bytes:
        return blobs[layer.sha256]

    return layers.preset(parts, text)


def test_texts_become_a_preset_and_the_go_template_is_left_alone() -> None:
    preset, options = preset_of(
        model=b"GGUF",
        template=b"{{ if .System }}{{ .System }}{{ end }}",
        system="你是诗人。\n".encode(),
        params=b'{"temperature": 0.2, "num_ctx": 512}',
        messages=b'[{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]',
        license=b"MIT",
    )
    assert preset == Preset(
        system="你是诗人。",
        messages=[Turn("user", "hi"), Turn("assistant", "yo")],
        license="MIT",
        sampling=SamplingDefaults(temperature=0.2),
    )
    assert options == LoadOptions(context_length=512)


def test_weights_alone_have_no_preset() -> None:
    assert preset_of(model=b"GGUF") == (Preset(), LoadOptions())


def test_damaged_texts_are_left_out() -> None:
    preset, _ = preset_of(model=b"GGUF", messages=b'{"role": 3', params=b"\xff", system=b"\xffx")
    assert preset == Preset(system="\N{REPLACEMENT CHARACTER}x")
