"""From files that a source program fetched to a registered model."""

from __future__ import annotations

from pathlib import Path

import msgspec
import structlog

from llmd.errors import CorruptFile, InvalidRequest, UnsupportedArchitecture
from llmd.models import files, projectors
from llmd.models.adapters import describe
from llmd.models.manifest import Provided
from llmd.models.ordering import Order
from llmd.models.sources.lines import Fetched
from llmd.models.store import ModelStore
from llmd.protocol.models import AdapterFile, ModelManifest, SamplingDefaults


def register(store: ModelStore, order: Order, fetched: Fetched) -> ModelManifest:
    """Register what came; files that cannot be served are deleted again if they were fetched for
    this.

    Raises CorruptFile, UnsupportedArchitecture, InvalidRequest, NameTaken.
    """
    paths = [Path(path) for path in fetched.files]
    log = structlog.get_logger("models")

    def enter(projector: str | None) -> ModelManifest:
        model = store.look(paths[0], name_of(order, fetched), fetched.source, projector=projector)
        adapters = [
            describe(Path(path), model, None, 1.0, default=True) for path in fetched.adapters
        ]
        return store.register(
            paths[0],
            name_of(order, fetched),
            fetched.source,
            owned=fetched.fresh,
            projector=projector,
            provided=_provided(order, fetched, adapters),
        )

    try:
        return enter(fetched.projector or None)
    except InvalidRequest as error:
        if error.param != "projector":
            raise
        # a projector that does not fit is no reason to refuse the model
        log.warning("a fetched projector is left out", name=order.shown, reason=str(error))
        return enter(projectors.NONE)
    except (CorruptFile, UnsupportedArchitecture) as error:
        log.warning("a fetched model is refused", name=order.shown, reason=str(error))
        if fetched.fresh:
            _delete_unused(store, paths)
        raise


def name_of(order: Order, fetched: Fetched) -> str:
    """Return what the model is called here."""
    return order.name or fetched.name or f"{fetched.repo}:{fetched.selector}"


def _provided(order: Order, fetched: Fetched, adapters: list[AdapterFile]) -> Provided:
    sampling = _laid_over(order.sampling, fetched.preset.sampling)
    return Provided(
        preset=msgspec.structs.replace(fetched.preset, sampling=sampling),
        options=fetched.options,
        digests=fetched.digests,
        adapters=adapters,
    )


def _laid_over(below: SamplingDefaults, above: SamplingDefaults) -> SamplingDefaults:
    said = {
        name: value for name, value in msgspec.structs.asdict(above).items() if value is not None
    }
    return msgspec.structs.replace(below, **said)


def _delete_unused(store: ModelStore, paths: list[Path]) -> None:
    used = {str(file) for model in store.list() for file in model.files}
    files.delete(path for path in paths if str(path) not in used)
