"""What a Modelfile means: every instruction, and what is refused or left out."""

from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.models.presets.instructions import read_modelfile
from llmd.models.presets.recipe import AdapterWish, GoTemplate
from llmd.protocol.models import SamplingDefaults, Turn
from llmd.protocol.placement import LoadOptions


def test_a_whole_modelfile_is_read() -> None:
    recipe = read_modelfile(
        """FROM ./model.gguf
FROM ./mmproj.gguf
PARAMETER temperature 1
PARAMETER top_k 20
PARAMETER num_predict 42
PARAMETER num_ctx 4096
PARAMETER num_gpu 10
PARAMETER use_mmap false
PARAMETER stop "<|a|>"
PARAMETER stop b
PARAMETER repeat_last_n -1
SYSTEM You are Mario.
TEMPLATE "{{ .Prompt }}"
ADAPTER ./lora.gguf
MESSAGE user Hi
MESSAGE assistant Yo
LICENSE MIT
LICENSE Apache
DRAFT small
"""
    )
    assert (recipe.base, recipe.projector) == ("./model.gguf", "./mmproj.gguf")
    assert recipe.sampling == SamplingDefaults(
        temperature=1.0, top_k=20, max_tokens=42, stop=["<|a|>", "b"], repeat_last_n=-1
    )
    assert recipe.options == LoadOptions(context_length=4096, gpu_layers=10, mmap=False)
    assert recipe.system == "You are Mario."
    assert recipe.go_template == GoTemplate("{{ .Prompt }}", 13)
    assert recipe.adapters == [AdapterWish(path="./lora.gguf")]
    assert recipe.adapters[0].default
    assert recipe.messages == [Turn("user", "Hi"), Turn("assistant", "Yo")]
    assert recipe.license == "MIT\n\nApache"
    assert recipe.draft == "small"
    assert recipe.notes == []


def test_what_has_no_meaning_here_is_left_out_with_a_note() -> None:
    recipe = read_modelfile(
        "FROM x\nPARAMETER num_thread 4\nPARAMETER mirostat 1\nRENDERER qwen3\nREQUIRES 0.14.0"
    )
    assert recipe.sampling == SamplingDefaults()
    assert [note.partition(" is left out")[0] for note in recipe.notes] == [
        "line 2: num_thread",
        "line 3: mirostat",
        "line 4: RENDERER",
        "line 5: REQUIRES",
    ]


def test_no_limit_means_leaving_it_out() -> None:
    recipe = read_modelfile("FROM x\nPARAMETER num_predict -1\nPARAMETER seed -1")
    assert recipe.sampling == SamplingDefaults()
    assert recipe.notes == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("PARAMETER temperature 9", "line 2: temperature: Expected"),
        ("PARAMETER temperature hot", "line 2: temperature is a number, not 'hot'"),
        ("PARAMETER temperature nan", "line 2: temperature is a number"),
        ("PARAMETER temperature 1e999", "line 2: temperature"),
        ("PARAMETER top_k 3.5", "line 2: top_k is a whole number"),
        ("PARAMETER num_ctx 0", "line 2: num_ctx"),
        ("PARAMETER num_ctx 99999999999999999999", "line 2: num_ctx is a whole number"),
        ("PARAMETER use_mmap maybe", "line 2: use_mmap is true or false"),
        ("PARAMETER colour red", "line 2: there is no parameter colour"),
        ("FROM y\nFROM z", "line 3: FROM names a model and its projector"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(line: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        read_modelfile(f"FROM x\n{line}")


def test_an_endless_modelfile_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="at most"):
        read_modelfile("#" * 5_000_000)
