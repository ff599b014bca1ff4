from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import InvalidRequest, ModelNotFound
from llmd.models.catalog import Catalogue
from llmd.models.quantization import find
from llmd.models.variants import Derive, Present, Pull, Step, check_quantization, missing, steps
from llmd.protocol.models import ModelManifest, Preset
from tests.fakes.manifests import make_manifest

OWN = """
[[model]]
alias = "big"
also = ["big:7b"]
source = "org/Big-GGUF"
quantization = "Q4_K_M"
quantizations = { Q4_K_M = 4000, Q8_0 = 8000 }

[[model]]
alias = "vague"
source = "org/Vague-GGUF"
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    path = tmp_path / "catalog.toml"
    path.write_text(OWN)
    return Catalogue(path)


def ways(
    name: str,
    quantization: str,
    models: list[ModelManifest],
    catalogue: Catalogue,
    *,
    may: bool = True,
) -> list[Step]:
    return steps(name, quantization, models, catalogue, may_quantize=may)


def test_what_is_here_is_taken(catalogue: Catalogue) -> None:
    plain, variant = (
        make_manifest("big", quantization="Q4_K_M"),
        make_manifest("big:Q4_0", quantization="Q4_0"),
    )
    models = [plain, variant, make_manifest("other:Q4_0", quantization="Q4_0")]
    assert ways("big", "q4_0", models, catalogue) == [Present(variant)]
    assert ways("BIG:7b", "Q4_K", models, catalogue) == [Present(plain)]
    assert ways("big:Q4_0", "q4_k_m", models, catalogue) == [Present(plain)]
    assert ways("big", "", models, catalogue) == [Present(plain)]
    assert ways("big:q4_0", "", models, catalogue) == [Present(variant)]


def test_the_one_that_has_the_name_goes_before_the_one_that_has_the_weights(
    catalogue: Catalogue,
) -> None:
    weights, named = (
        make_manifest("m", quantization="Q4_0"),
        make_manifest("m:Q4_0", quantization="Q4_0"),
    )
    assert ways("m", "q4_0", [weights, named], catalogue) == [Present(named)]


def test_what_the_catalogue_lists_is_fetched_before_it_is_made(catalogue: Catalogue) -> None:
    source = make_manifest("big:F16", quantization="F16")
    assert ways("big", "q8_0", [source], catalogue) == [
        Pull("big:Q8_0"),
        Derive(source, find("Q8_0")),
    ]
    assert ways("big", "q8_0", [], catalogue) == [Pull("big:Q8_0")]
    assert ways("vague", "q8_0", [], catalogue) == [Pull("vague:Q8_0")]


def test_what_the_catalogue_does_not_list_is_made_before_it_is_looked_for(
    catalogue: Catalogue,
) -> None:
    source = make_manifest("big:F16", quantization="F16")
    assert ways("big", "q4_0", [source], catalogue) == [
        Derive(source, find("Q4_0")),
        Pull("big:Q4_0"),
    ]


def test_a_repository_is_asked_for_its_own_variants(catalogue: Catalogue) -> None:
    here = make_manifest("mine", quantization="Q8_0", source="hf://org/Repo-GGUF/sub/a-Q8_0.gguf")
    assert ways("mine", "q4_0", [here], catalogue) == [
        Pull("org/Repo-GGUF:Q4_0"),
        Derive(here, find("Q4_0")),
    ]
    assert ways("org/Repo-GGUF:Q8_0", "ud-q4_k_xl", [], catalogue) == [
        Pull("org/Repo-GGUF:UD-Q4_K_XL")
    ]
    preset = make_manifest("p", quantization="Q8_0", source=here.source, preset=Preset(base="mine"))
    assert ways("p", "q4_0", [preset], catalogue) == [Derive(preset, find("Q4_0"))]


def test_what_came_from_the_same_repository_is_of_the_family(catalogue: Catalogue) -> None:
    here = make_manifest("mine", quantization="Q8_0", source="hf://org/Repo-GGUF/a-Q8_0.gguf")
    pulled = make_manifest(
        "org/Repo-GGUF:Q4_0", quantization="Q4_0", source="hf://org/Repo-GGUF/a-Q4_0.gguf"
    )
    assert ways("mine", "q4_0", [here, pulled], catalogue) == [Present(pulled)]


def test_other_sites_are_asked_as_well(catalogue: Catalogue) -> None:
    here = make_manifest("m", quantization="Q8_0", source="modelscope://org/Repo/a-Q8_0.gguf")
    assert ways("m", "ud-q4_k_xl", [here], catalogue) == [Pull("modelscope://org/Repo:UD-Q4_K_XL")]
    assert ways("modelscope://org/Repo", "q4_0", [], catalogue) == [
        Pull("modelscope://org/Repo:Q4_0")
    ]


def test_the_best_source_is_taken(catalogue: Catalogue) -> None:
    f16, q8 = make_manifest("m:F16", quantization="F16"), make_manifest("m", quantization="Q8_0")
    q5 = make_manifest("m:Q5_K_M", quantization="Q5_K_M")
    assert ways("m", "q4_0", [q5, q8, f16], catalogue) == [Derive(f16, find("Q4_0"))]
    assert ways("m", "q4_0", [q5, q8], catalogue) == [Derive(q8, find("Q4_0"))]


@pytest.mark.parametrize(
    ("quantization", "may", "why"),
    [
        ("q4_0", False, "switched off"),
        ("iq2_xxs", True, "importance matrix"),
        ("f16", True, "larger and no better"),
    ],
)
def test_without_a_way_the_error_lists_what_exists(
    quantization: str, may: bool, why: str, catalogue: Catalogue
) -> None:
    with pytest.raises(ModelNotFound, match="There is no m as") as caught:
        ways("m", quantization, [make_manifest("m", quantization="Q8_0")], catalogue, may=may)
    assert "Here are: m (Q8_0)." in caught.value.hint
    assert why in caught.value.hint
    assert caught.value.details["present"] == ["m"]


def test_a_lossy_model_is_no_source(catalogue: Catalogue) -> None:
    with pytest.raises(ModelNotFound) as caught:
        ways("m", "q2_k", [make_manifest("m", quantization="Q5_K_M")], catalogue)
    assert "loses much more" in caught.value.hint


def test_what_the_catalogue_offers_is_listed(catalogue: Catalogue) -> None:
    error = missing("big", "q4_0", [], catalogue, may_quantize=True)
    assert "The catalogue has: Q4_K_M, Q8_0." in error.hint
    assert error.details["offered"] == ["Q4_K_M", "Q8_0"]


def test_a_model_that_is_not_here_is_fetched_without_a_quantisation_too(
    catalogue: Catalogue,
) -> None:
    assert ways("big", "", [], catalogue) == [Pull("big")]
    assert ways("org/Any-GGUF", "", [], catalogue) == [Pull("org/Any-GGUF")]
    with pytest.raises(ModelNotFound, match="no model nobody"):
        ways("nobody", "", [], catalogue)


def test_words_that_are_no_quantisation_are_refused() -> None:
    assert check_quantization(None) == check_quantization(" ") == ""
    assert check_quantization("q4_k") == "Q4_K_M"
    assert check_quantization("ud-q4_k_xl") == "UD-Q4_K_XL"
    for text in ("small", "../q4_0", "q4_0; rm", "x" * 5000):
        with pytest.raises(InvalidRequest):
            check_quantization(text)
