"""Builds the speculator that a model is to be loaded with: which drafter, in which context."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from llmd.engine.bindings import Context, ContextShape, Model
from llmd.engine.bindings.prediction import AVAILABLE
from llmd.engine.drafting.draft_model import DraftModel, check_vocabularies
from llmd.engine.drafting.drafter import Drafter
from llmd.engine.drafting.mtp import PredictionLayer
from llmd.engine.drafting.ngram import NgramDrafter
from llmd.engine.drafting.speculator import Speculator
from llmd.errors import ConfigInvalid, LlmdError
from llmd.protocol.models import Drafting

_PREDICTING = {"auto", "mtp"}


@dataclass(frozen=True, slots=True)
class Target:
    """The model that is to be sped up."""

    model: Model
    context: Context
    shape: ContextShape
    sequences: int
    """Those that run at the same time."""
    gpu_layers: int


def wants_prediction(drafting: Drafting) -> bool:
    """Whether prediction layers are to be loaded, if the model has any."""
    return AVAILABLE and drafting.mode in _PREDICTING and not drafting.model


def open_speculator(
    drafting: Drafting,
    target: Target,
    fault: Callable[[str], LlmdError],
    warn: Callable[[str], None],
) -> Speculator | None:
    """Return what drafts for `target`, None where nothing is to; its memory must be one that can
    drop a suffix.

    Raises ConfigInvalid for a draft model that must fit and does not, and what `fault` makes of a
    file that cannot be loaded; `warn` hears of one that is left out.
    """
    if drafting.mode == "off":
        return None
    kind, drafter = "draft", _draft_model(drafting, target, fault, warn)
    if drafter is None and wants_prediction(drafting):
        kind, drafter = "mtp", _prediction_layer(target, warn)
    return Speculator(NgramDrafter(), drafter, drafting, time.monotonic, kind)


def _draft_model(
    drafting: Drafting,
    target: Target,
    fault: Callable[[str], LlmdError],
    warn: Callable[[str], None],
) -> Drafter | None:
    if not drafting.model:
        return None
    model = Model.load(drafting.model, gpu_layers=target.gpu_layers, progress=lambda _: None)
    if model is None:
        raise fault(drafting.model)
    try:
        check_vocabularies(target.model.vocab, model.vocab)
    except ConfigInvalid as error:
        model.close()
        if drafting.must_fit:
            raise
        warn(f"{drafting.model} is left out. {error.message}")
        return None
    context = Context.create(model, _shape(target))
    if context is None:
        model.close()
        raise fault(drafting.model)
    return DraftModel(
        model,
        context,
        sequences=target.sequences,
        batch=target.shape.batch,
        size=target.model.vocab.size,
    )


def _prediction_layer(target: Target, warn: Callable[[str], None]) -> Drafter | None:
    if not target.model.prediction_layers:
        return None
    context = Context.create(target.model, _shape(target), predicting=target.context)
    if context is None:
        warn("The prediction layer of the model cannot be run; it is left out.")
        return None
    return PredictionLayer(
        target.context, context, sequences=target.sequences, batch=target.shape.batch
    )


def _shape(target: Target) -> ContextShape:
    sequences = target.sequences
    return replace(target.shape, sequences=sequences, outputs=sequences, in_place=False)
