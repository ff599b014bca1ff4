from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.deployments import Deployment, DeploymentOrder, StageName
from llmd.services.deploying.course import begun

DOCUMENT = {
    "model_type": "deepseek-v3",
    "model_size": "7b",
    "quantization": "int8",
    "target_nodes": ["worker-03"],
    "deployment_config": {
        "max_batch_size": 8,
        "use_flash_attention": True,
        "use_kv_cache": True,
        "tensor_parallel_size": 1,
        "cpu_offload": False,
    },
}


def test_the_order_of_the_document_is_understood() -> None:
    order = msgspec.convert(DOCUMENT, DeploymentOrder)
    assert msgspec.to_builtins(order) == DOCUMENT


@pytest.mark.parametrize(
    "wrong",
    [
        {"model_typ": "x"},
        {"deployment_config": {"max_batch": 1}},
        {"deployment_config": {"max_batch_size": 0}},
        {"deployment_config": {"tensor_parallel_size": 0}},
        {"model_type": ""},
    ],
)
def test_what_is_not_known_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**DOCUMENT, **wrong}, DeploymentOrder)


def test_stages_have_the_names_and_the_order_of_the_document() -> None:
    assert [str(name) for name in StageName] == [
        "preparation",
        "downloading_weights",
        "model_initialization",
        "model_loading",
        "service_registration",
    ]


def test_a_deployment_comes_through_json() -> None:
    order = DeploymentOrder(model_type="m")
    made = begun("m", order, "u", ["here"], 5.0)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Deployment) == made
