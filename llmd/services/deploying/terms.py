"""From an order to what is asked of other services. Pure.

Every option means something that llmd does, or is refused with the reason; none is passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from llmd.errors import InvalidRequest, ModelNotFound
from llmd.models.catalog import Catalogue, canonical
from llmd.models.names import HubReference, ModelScopeReference, PathReference, parse
from llmd.models.quantization import stem_of
from llmd.models.variants import check_quantization
from llmd.protocol.deployments import DeploymentOptions, DeploymentOrder
from llmd.protocol.placement import LoadOptions

_HERE = frozenset({"local", "localhost"})
_FOR_EVER = -1.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order comes to."""

    name: str
    """As `Variants` takes it: an alias, a repository, or a registered model."""
    label: str
    """Quantisation; empty: the usual one."""
    options: LoadOptions
    key: str
    """Equal for orders of the same model."""


def agreed(
    order: DeploymentOrder,
    catalogue: Catalogue,
    installed: Collection[str],
    gpus: int,
    nodes: Sequence[str],
) -> Terms:
    """Return the terms of an order; `installed` are names of models, `nodes` those of this machine.

    Raises InvalidRequest naming the field, and ModelNotFound with names that are like it.
    """
    _check_nodes(order.target_nodes, nodes)
    label = check_quantization(order.quantization)
    name = _named(order, catalogue, installed)
    options = load_options(order.deployment_config, gpus)
    full = f"{stem_of(name)}:{label}" if label else name
    return Terms(name, label, options, canonical(full, catalogue).casefold())


def load_options(wanted: DeploymentOptions, gpus: int) -> LoadOptions:
    """Return how to load a model on a machine with so many GPUs; raise InvalidRequest for what
    cannot be had. A deployed model stays until it is unloaded or its memory is needed.
    """
    if wanted.use_kv_cache is False:
        raise InvalidRequest(
            "use_kv_cache cannot be false: without its KV cache a model would read the whole text "
            "again for each token.",
            hint="Leave it out, or let it be true.",
            param="deployment_config.use_kv_cache",
        )
    attention = {None: None, True: "on", False: "off"}[wanted.use_flash_attention]
    return LoadOptions(
        parallel=wanted.max_batch_size,
        flash_attention=attention,
        tensor_split=_split(wanted.tensor_parallel_size or 1, gpus),
        require_gpu=not wanted.cpu_offload if gpus and wanted.cpu_offload is not None else None,
        keep_alive=_FOR_EVER,
    )


def without_lifetime(options: LoadOptions) -> LoadOptions:
    """Return what is said about loading alone, to compare orders by."""
    return msgspec.structs.replace(options, keep_alive=None)


def _split(count: int, gpus: int) -> list[float] | None:
    if count == 1:
        return None
    if count > gpus:
        has = f"{gpus} GPU" + ("" if gpus == 1 else "s") if gpus else "no GPU"
        raise InvalidRequest(
            f"tensor_parallel_size is {count}, but this machine has {has} that llama.cpp can use.",
            hint="Let it be 1: llmd spreads a model over all devices there are.",
            param="deployment_config.tensor_parallel_size",
        )
    return [1.0] * count + [0.0] * (gpus - count)


def _check_nodes(wanted: Sequence[str], nodes: Sequence[str]) -> None:
    here = _HERE | {node.casefold() for node in nodes}
    for node in wanted:
        if node.casefold() not in here:
            raise InvalidRequest(
                f"There is no node {node[:100]!r}: this daemon is {nodes[0]}, and knows no other.",
                hint=f"Leave target_nodes out, or name {nodes[0]!r} or 'local'.",
                param="target_nodes",
            )


def _named(order: DeploymentOrder, catalogue: Catalogue, installed: Collection[str]) -> str:
    """Return the name that type and size stand for."""
    kind, size = order.model_type.strip(), order.model_size.strip()
    readings = [f"{kind}-{size}", f"{kind}:{size}"] if size else [kind]
    here = {known: name for name in installed for known in (name, stem_of(name))}
    by_key = {known.casefold(): name for known, name in here.items()}
    for reading in readings:
        if reading.casefold() in by_key and not catalogue.find(reading):
            return reading
        if entry := catalogue.find(reading) or catalogue.find(stem_of(reading)):
            return entry.alias if catalogue.find(reading) else reading
    if not size and _is_repository(kind):
        return kind
    raise _unknown(readings[0], catalogue.near(readings[0], installed))


def _is_repository(text: str) -> bool:
    reference = parse(text)
    if isinstance(reference, PathReference):
        raise InvalidRequest(
            "model_type is a path; deployments are of models that have a name.",
            hint="Register the file first (llmd import), and deploy it by its name.",
            param="model_type",
        )
    return isinstance(reference, HubReference | ModelScopeReference)


def _unknown(name: str, near: list[str]) -> ModelNotFound:
    guess = f"Did you mean {' or '.join(near)}? " if near else ""
    return ModelNotFound(
        f"The catalogue has no {name[:200]}.",
        hint=f"{guess}model_type and model_size together are a name that `llmd search` lists, such "
        "as qwen3 and 8b; with an empty model_size any name can be given, such as OWNER/REPO.",
        param="model_type",
        suggestions=near,
    )
