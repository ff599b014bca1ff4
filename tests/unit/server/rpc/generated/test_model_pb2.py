"""The generated code is what the .proto says."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

FOLDER = "llmd/server/rpc/generated"
MADE = ("model_pb2.py", "model_pb2.pyi", "model_pb2_grpc.py")


@pytest.fixture(scope="module")
def made_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("generated")
    source = Path(str(files("llmd.server.rpc"))).resolve()
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc", f"-I{FOLDER}={source}"),
        *(f"--python_out={target}", f"--pyi_out={target}", f"--grpc_python_out={target}"),
        f"{FOLDER}/model.proto",
    ]
    subprocess.run(command, check=True, timeout=60)
    return target / FOLDER


@pytest.mark.parametrize("name", MADE)
def test_generated_code_is_made_from_the_proto_as_it_is(made_again: Path, name: str) -> None:
    shipped = files("llmd.server.rpc.generated") / name
    assert shipped.read_text(encoding="utf-8") == (made_again / name).read_text(encoding="utf-8")


def test_the_document_names_what_the_service_has() -> None:
    from llmd.server.rpc.generated import model_pb2 as pb

    service = pb.DESCRIPTOR.services_by_name["ModelService"]
    assert service.full_name == "model.ModelService"
    assert pb.DESCRIPTOR.GetOptions().go_package == "example.com/ai-gateway/model"
    described = {
        method.name: (method.input_type.name, method.output_type.name, method.server_streaming)
        for method in service.methods
    }
    assert described == {
        "ListModels": ("ListModelsRequest", "ListModelsResponse", False),
        "GetModel": ("GetModelRequest", "GetModelResponse", False),
        "CreateCompletion": ("CompletionRequest", "CompletionResponse", False),
        "CreateCompletionStream": ("CompletionRequest", "CompletionChunk", True),
        "CreateChatCompletion": ("ChatCompletionRequest", "ChatCompletionResponse", False),
        "CreateChatCompletionStream": ("ChatCompletionRequest", "ChatCompletionChunk", True),
        "CreateEmbeddings": ("EmbeddingsRequest", "EmbeddingsResponse", False),
        "ListLocalModels": ("ListLocalModelsRequest", "ListLocalModelsResponse", False),
        "DeployLocalModel": ("DeployLocalModelRequest", "DeployLocalModelResponse", False),
        "GetDeploymentStatus": (
            "GetDeploymentStatusRequest",
            "GetDeploymentStatusResponse",
            False,
        ),
        "UnloadLocalModel": ("UnloadLocalModelRequest", "UnloadLocalModelResponse", False),
    }


def test_the_knobs_of_the_go_example_are_plain_fields() -> None:
    """Go would make pointers of optional ones, and the example of the document not compile."""
    from llmd.server.rpc.generated import model_pb2 as pb

    fields = pb.ChatCompletionRequest.DESCRIPTOR.fields_by_name
    for name in ("model_id", "max_tokens", "temperature", "stream"):
        assert not fields[name].has_presence, name
    assert fields["messages"].message_type.name == "Message"
    chunk = pb.ChatCompletionChunk.DESCRIPTOR.fields_by_name["choices"].message_type
    assert "content" in chunk.fields_by_name["delta"].message_type.fields_by_name
