from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest, ModelNotFound
from llmd.models.catalog import Catalogue
from llmd.protocol.deployments import DeploymentOptions, DeploymentOrder
from llmd.protocol.placement import LoadOptions
from llmd.services.deploying import Terms, agreed
from llmd.services.deploying.terms import load_options, without_lifetime


def terms(
    kind: str, size: str = "", quantization: str = "", gpus: int = 0, **more: object
) -> Terms:
    order = DeploymentOrder(
        model_type=kind,
        model_size=size,
        quantization=quantization,
        **more,  # type: ignore[arg-type]
    )
    return agreed(order, Catalogue(), ["llmd-tiny", "full:F16", "Mein-Modell"], gpus, ["Node-1"])


@pytest.mark.parametrize(
    ("kind", "size", "name"),
    [
        ("qwen3", "8b", "qwen3-8b"),
        ("Qwen3", "8B", "qwen3-8b"),
        ("qwen3-8b", "", "qwen3-8b"),
        ("qwen3:8b", "", "qwen3-8b"),
        ("qwen3", "", "qwen3-8b"),
        (" deepseek-r1 ", "7b", "deepseek-r1-7b"),
        ("llama-2", "7b-chat", "llama-2-7b-chat"),
        ("llmd", "tiny", "llmd-tiny"),
        ("llmd-tiny", "", "llmd-tiny"),
        ("full", "", "full"),
        ("full", "F16", "full:F16"),
        ("mein-modell", "", "mein-modell"),
        ("acme/tiny-GGUF", "", "acme/tiny-GGUF"),
        ("hf.co/acme/tiny-GGUF", "", "hf.co/acme/tiny-GGUF"),
    ],
)
def test_type_and_size_name_a_model(kind: str, size: str, name: str) -> None:
    assert terms(kind, size).name == name


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("deepseek-v3", "7b"),
        ("qwen3", "7.9b"),
        ("gpt-4", ""),
        ("acme/tiny", "7b"),
        ("llmd", ""),
        ("'; DROP TABLE deployments;--", "7b"),
    ],
)
def test_an_unknown_name_is_not_found(kind: str, size: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        terms(kind, size)
    assert caught.value.param == "model_type"


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(ModelNotFound, match=r"Did you mean .*qwen3-8b"):
        terms("qwen3", "8bb")


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x.gguf", "~/m.gguf", "file:///m", "m.gguf"])
def test_a_path_is_no_model(path: str) -> None:
    with pytest.raises(InvalidRequest, match="is a path") as caught:
        terms(path)
    assert caught.value.param == "model_type"


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "x" * 5000, "模型", ""])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises((InvalidRequest, ModelNotFound)):
        terms(name)


@pytest.mark.parametrize(
    ("asked", "label"),
    [
        ("int8", "Q8_0"),
        ("INT4", "Q4_K_M"),
        ("fp16", "F16"),
        ("bf16", "BF16"),
        ("q5_k_m", "Q5_K_M"),
        ("", ""),
    ],
)
def test_quantisations_are_read_in_the_words_of_the_document_and_of_llama_cpp(
    asked: str, label: str
) -> None:
    assert terms("qwen3", "8b", asked).label == label


def test_an_unknown_quantisation_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        terms("qwen3", "8b", "int3.5")
    assert caught.value.param == "quantization"


def test_the_same_model_has_the_same_key_however_it_is_named() -> None:
    usual = Catalogue().entries()["qwen3-8b"].quantization
    keys = {
        terms("qwen3", "8b").key,
        terms("qwen3:8b").key,
        terms("QWEN3-8B", "", usual.lower()).key,
    }
    assert keys == {"qwen3-8b"}
    assert terms("qwen3", "8b", "int8").key == "qwen3-8b:q8_0"


@pytest.mark.parametrize("node", ["local", "localhost", "node-1", "NODE-1"])
def test_this_machine_can_be_named(node: str) -> None:
    assert terms("llmd-tiny", target_nodes=[node]).name == "llmd-tiny"


def test_other_nodes_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="worker-03") as caught:
        terms("llmd-tiny", target_nodes=["local", "worker-03"])
    assert caught.value.param == "target_nodes"
    assert "Node-1" in caught.value.message


def test_what_is_left_out_is_left_to_the_settings() -> None:
    assert load_options(DeploymentOptions(), 2) == LoadOptions(keep_alive=-1.0)


def test_options_become_settings_of_the_load() -> None:
    wanted = DeploymentOptions(
        max_batch_size=8,
        use_flash_attention=True,
        use_kv_cache=True,
        tensor_parallel_size=1,
        cpu_offload=False,
    )
    expected = LoadOptions(parallel=8, flash_attention="on", keep_alive=-1.0)
    assert load_options(wanted, 0) == expected
    assert load_options(wanted, 1).require_gpu is True
    assert load_options(DeploymentOptions(use_flash_attention=False), 0).flash_attention == "off"


def test_layers_may_stay_on_the_cpu_where_that_is_wished() -> None:
    assert load_options(DeploymentOptions(cpu_offload=True), 1).require_gpu is False


def test_gpus_share_the_weights_where_there_are_as_many() -> None:
    options = load_options(DeploymentOptions(tensor_parallel_size=2), 3)
    assert options.tensor_split == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(("gpus", "has"), [(0, "no GPU"), (1, "1 GPU "), (3, "3 GPUs")])
def test_gpus_that_are_not_there_are_refused(gpus: int, has: str) -> None:
    with pytest.raises(InvalidRequest, match=has) as caught:
        load_options(DeploymentOptions(tensor_parallel_size=4), gpus)
    assert caught.value.param == "deployment_config.tensor_parallel_size"


def test_a_model_without_kv_cache_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        load_options(DeploymentOptions(use_kv_cache=False), 1)
    assert caught.value.param == "deployment_config.use_kv_cache"


def test_orders_are_compared_without_how_long_a_model_stays() -> None:
    assert without_lifetime(LoadOptions(parallel=1, keep_alive=5.0)) == LoadOptions(parallel=1)
