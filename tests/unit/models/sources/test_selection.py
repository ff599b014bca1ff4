"""Which files of a repository make up the model."""

from __future__ import annotations

import pytest

from llmd.errors import ModelNotFound, UnsupportedFormat
from llmd.models.sources.selection import RemoteFile, choices, select, selectors


def repository(*names: str) -> list[RemoteFile]:
    return [RemoteFile(name, 100 + len(name)) for name in names]


def names(files: list[RemoteFile], selector: str = "") -> list[str]:
    return [file.name for file in select("acme/m", files, selector).choice.files]


@pytest.mark.parametrize(
    ("file", "label"),
    [
        ("Qwen3-4B-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen1_5-7b-chat-q4_k_m.gguf", "Q4_K_M"),
        ("nomic-embed-text-v1.5.Q8_0.gguf", "Q8_0"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("m-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("m.i1-IQ2_XXS.gguf", "IQ2_XXS"),
        ("m-fp16.gguf", "F16"),
        ("m_bf16.gguf", "BF16"),
        ("Q6_K/m-00001-of-00001.gguf", "Q6_K"),
        ("m-TQ1_0.gguf", "TQ1_0"),
        ("model.gguf", ""),
    ],
)
def test_the_label_is_read_from_the_name(file: str, label: str) -> None:
    assert [choice.label for choice in choices(repository(file))] == [label]


def test_what_is_no_language_model_is_left_out() -> None:
    files = repository(
        "README.md",
        "mmproj-m-F16.gguf",
        "m-imatrix.gguf",
        "imatrix.gguf",
        "m.mmproj.gguf",
        # heads that only draft for the model: Qwen 3.8, gpt-oss and Gemma 4 have them on the hub
        "MTP/mtp-m-Q4_0.gguf",
        "eagle3-m-Q8_0.gguf",
        "dflash-m-BF16.gguf",
        "m-Q4_0.gguf",
    )
    assert [choice.label for choice in choices(files)] == ["Q4_0"]


@pytest.mark.parametrize(
    ("offered", "best"),
    [
        (["m-F16.gguf", "m-Q8_0.gguf", "m-Q4_0.gguf", "m-Q4_K_M.gguf"], "m-Q4_K_M.gguf"),
        (["m-F16.gguf", "m-Q8_0.gguf", "m-Q4_0.gguf"], "m-Q4_0.gguf"),
        (["m-F16.gguf", "m-Q8_0.gguf", "m-Q5_K_M.gguf"], "m-Q5_K_M.gguf"),
        (["m-Q2_K.gguf", "m-Q8_0.gguf"], "m-Q8_0.gguf"),
        (["model.gguf"], "model.gguf"),
    ],
)
def test_without_a_wish_the_usual_size_is_taken(offered: list[str], best: str) -> None:
    assert names(repository(*offered)) == [best]


def test_a_quantisation_is_taken_whatever_its_case() -> None:
    assert names(repository("m-Q8_0.gguf", "m-Q4_0.gguf"), "q8_0") == ["m-Q8_0.gguf"]


def test_a_file_may_be_named_with_or_without_its_folder() -> None:
    files = repository("a/m-Q8_0.gguf", "m-Q4_0.gguf")
    assert names(files, "a/m-Q8_0.gguf") == names(files, "M-q8_0.gguf") == ["a/m-Q8_0.gguf"]


def test_parts_come_together_in_order() -> None:
    files = repository(
        "m-Q8_0-00002-of-00002.gguf", "m-Q8_0-00001-of-00002.gguf", "m-Q4_0-00001-of-00002.gguf"
    )
    assert names(files) == ["m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf"]


def test_a_model_that_is_there_whole_and_in_parts_is_taken_whole() -> None:
    files = repository(
        "m-q4_0-00001-of-00002.gguf", "m-q4_0-00002-of-00002.gguf", "m-q4_0.gguf", "m-q8_0.gguf"
    )
    assert names(files, "Q4_0") == names(files, "m-Q4_0.gguf") == ["m-q4_0.gguf"]
    assert len(choices(files)) == 3


def test_the_selector_leads_back_to_the_same_files() -> None:
    files = repository("m-Q8_0.gguf", "m-v2-long-Q8_0.gguf", "plain.gguf")
    for wish, selector in (
        ("Q8_0", "Q8_0"),
        ("m-v2-long-Q8_0.gguf", "m-v2-long-Q8_0.gguf"),
        ("plain.gguf", "plain.gguf"),
    ):
        selected = select("acme/m", files, wish)
        assert selected.selector == selector
        assert select("acme/m", files, selected.selector).choice == selected.choice


def test_what_is_not_there_is_answered_with_what_is() -> None:
    with pytest.raises(ModelNotFound, match="acme/m has no Q4_K") as failure:
        names(repository("m-Q4_K_M.gguf", "m-Q8_0.gguf"), "Q4_K")
    assert "It has: Q4_K_M, Q8_0." in failure.value.hint
    assert "Did you mean Q4_K_M?" in failure.value.hint


def test_a_repository_without_models_is_told_apart() -> None:
    with pytest.raises(ModelNotFound, match="no GGUF model"):
        names(repository("model.onnx"))


@pytest.mark.parametrize(
    ("offered", "projector"),
    [
        (["m-Q4_0.gguf"], None),
        (["m-Q4_0.gguf", "mmproj-F32.gguf", "mmproj-F16.gguf"], "mmproj-F16.gguf"),
        (["m-Q4_0.gguf", "mmproj-m-f16.gguf", "mmproj-n-f16.gguf"], "mmproj-m-f16.gguf"),
        (["m-Q4_0.gguf", "mmproj-tower-f16.gguf"], "mmproj-tower-f16.gguf"),
        (["m-Q4_0.gguf", "mmproj-n-f16.gguf", "mmproj-o-f16.gguf"], None),
        (["Q4_0/m-Q4_0.gguf", "mmproj/mmproj-m.gguf"], "mmproj/mmproj-m.gguf"),
    ],
)
def test_the_projector_of_a_repository_comes_along(
    offered: list[str], projector: str | None
) -> None:
    found = select("acme/m", repository(*offered), "Q4_0").projector
    assert (found.name if found else None) == projector


def test_every_model_has_the_selector_that_leads_to_it() -> None:
    files = repository("a-Q8_0.gguf", "a-it-Q8_0.gguf", "plain.gguf", "mmproj-F16.gguf")
    found = selectors(files)
    assert found == {
        "a-Q8_0.gguf": "Q8_0",
        "a-it-Q8_0.gguf": "a-it-Q8_0.gguf",
        "plain.gguf": "plain.gguf",
    }
    for name, selector in found.items():
        assert select("acme/m", files, selector).choice.files[0].name == name


def test_a_repository_of_safetensors_is_told_what_to_do() -> None:
    files = [RemoteFile("README.md", 1), RemoteFile("model.safetensors", 10**9)]
    with pytest.raises(UnsupportedFormat, match="safetensors") as caught:
        select("org/model", files, "")
    assert "convert_hf_to_gguf.py model" in caught.value.hint
