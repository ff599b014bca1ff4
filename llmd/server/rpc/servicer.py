"""The methods of `model.ModelService`: each asks the services what its message says."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from llmd.protocol.callers import Scope
from llmd.protocol.models import Kind
from llmd.protocol.questions import Embeddings
from llmd.server.completions import exchange
from llmd.server.completions.convert import embeddings as vectors
from llmd.server.completions.gathering import with_usage
from llmd.server.rpc.call import Call
from llmd.server.rpc.convert import answers, models, requests
from llmd.server.rpc.door import Method, Streaming
from llmd.server.rpc.generated import model_pb2 as pb
from llmd.services.bundle import Services


async def list_models(
    services: Services, _call: Call, asked: pb.ListModelsRequest
) -> pb.ListModelsResponse:
    """List the models there are."""
    return models.models(await services.directory.list(available=asked.available))


async def get_model(
    services: Services, _call: Call, asked: pb.GetModelRequest
) -> pb.GetModelResponse:
    """Describe one model."""
    return models.details(await services.directory.get(asked.model_id))


async def complete(
    services: Services, call: Call, asked: pb.CompletionRequest
) -> pb.CompletionResponse:
    """Continue a text."""
    wanted = requests.text(asked, stream=False)
    async with exchange.text(services, call.caller, wanted) as under_way:
        await call.begin(under_way.headers)
        return answers.text(await under_way.whole())


async def complete_stream(
    services: Services, call: Call, asked: pb.CompletionRequest
) -> AsyncGenerator[pb.CompletionChunk]:
    """Continue a text piece by piece."""
    wanted = requests.text(asked, stream=True)
    async with exchange.text(services, call.caller, wanted) as under_way:
        await call.begin(under_way.headers)
        async with aclosing(with_usage(under_way.chunks())) as chunks:
            async for chunk in chunks:
                yield answers.text_chunk(chunk)


async def chat(
    services: Services, call: Call, asked: pb.ChatCompletionRequest
) -> pb.ChatCompletionResponse:
    """Answer a conversation."""
    wanted = requests.chat(asked, stream=False)
    async with exchange.chat(services, call.caller, wanted) as under_way:
        await call.begin(under_way.headers)
        return answers.chat(await under_way.whole())


async def chat_stream(
    services: Services, call: Call, asked: pb.ChatCompletionRequest
) -> AsyncGenerator[pb.ChatCompletionChunk]:
    """Answer a conversation piece by piece."""
    wanted = requests.chat(asked, stream=True)
    async with exchange.chat(services, call.caller, wanted) as under_way:
        await call.begin(under_way.headers)
        async with aclosing(with_usage(under_way.chunks())) as chunks:
            async for chunk in chunks:
                yield answers.chat_chunk(chunk)


async def embed(
    services: Services, call: Call, asked: pb.EmbeddingsRequest
) -> pb.EmbeddingsResponse:
    """Make vectors."""
    generation = services.generation
    wanted = requests.embeddings(asked)
    question = vectors.embed(wanted)
    model = generation.resolve(wanted.model, Kind.EMBEDDING)
    found = await generation.ask(model, question, Embeddings, call.caller)
    return answers.vectors(vectors.embedding_list(wanted, model, found))


async def list_local(
    services: Services, _call: Call, _asked: pb.ListLocalModelsRequest
) -> pb.ListLocalModelsResponse:
    """List the models in memory."""
    return models.local(await services.directory.local())


async def deploy(
    services: Services, call: Call, asked: pb.DeployLocalModelRequest
) -> pb.DeployLocalModelResponse:
    """Begin a deployment, or find the one of the same model that goes on already."""
    return models.ordered(await services.deployments.deploy(call.caller, models.order(asked)))


async def deployment_status(
    services: Services, _call: Call, asked: pb.GetDeploymentStatusRequest
) -> pb.GetDeploymentStatusResponse:
    """Tell how far a deployment is."""
    return models.progress(await services.deployments.get(asked.deployment_id))


async def unload(
    services: Services, _call: Call, asked: pb.UnloadLocalModelRequest
) -> pb.UnloadLocalModelResponse:
    """Take a model out of memory; one that is being deployed is cancelled."""
    removal = await services.deployments.unload(asked.model_id, force=asked.force)
    return models.removed(removal)


METHODS = (
    Method("ListModels", list_models, Scope.MODELS_READ),
    Method("GetModel", get_model, Scope.MODELS_READ),
    Method("CreateCompletion", complete, Scope.GENERATE),
    Streaming("CreateCompletionStream", complete_stream, Scope.GENERATE),
    Method("CreateChatCompletion", chat, Scope.GENERATE),
    Streaming("CreateChatCompletionStream", chat_stream, Scope.GENERATE),
    Method("CreateEmbeddings", embed, Scope.GENERATE),
    Method("ListLocalModels", list_local, Scope.MODELS_READ),
    Method("DeployLocalModel", deploy, Scope.MODELS_WRITE),
    Method("GetDeploymentStatus", deployment_status, Scope.MODELS_READ),
    Method("UnloadLocalModel", unload, Scope.MODELS_WRITE),
)
