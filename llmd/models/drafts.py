"""Which draft model goes with which model: what its preset or `speculation.draft_models` says,
looked up on disk.
"""

from __future__ import annotations

import structlog

from llmd.config.settings import SpeculationMode, SpeculationSettings
from llmd.errors import ConfigInvalid, ModelNotFound
from llmd.models.store import ModelStore
from llmd.protocol.models import Drafting, Kind, ModelManifest

_LOADING = {SpeculationMode.AUTO, SpeculationMode.DRAFT}


class Drafts:
    """How each model speculates."""

    def __init__(self, store: ModelStore, settings: SpeculationSettings) -> None:
        self._store = store
        self._settings = settings
        self._pairs, self._for_all = parse(settings.draft_models)

    def order(self, manifest: ModelManifest) -> Drafting:
        """Return how a model is to speculate; raise ConfigInvalid for a draft model that is not
        there.
        """
        settings = self._settings
        plain = Drafting(str(settings.mode), settings.longest, settings.rows)
        if manifest.kind is not Kind.CHAT or settings.mode not in _LOADING:
            return plain
        draft = self._own(manifest)
        named = draft is not None
        if draft is None:
            paired = (name for model, name in self._pairs.items() if self._is(model, manifest))
            name = next(paired, "")
            named = bool(name)
            draft = self._find(name or self._for_all)
        if draft is None or draft.path == manifest.path:
            return plain
        return Drafting(plain.mode, plain.longest, plain.rows, draft.path, must_fit=named)

    def _is(self, name: str, manifest: ModelManifest) -> bool:
        try:
            return self._store.find(name).name == manifest.name
        except ModelNotFound:
            return False

    def _own(self, manifest: ModelManifest) -> ModelManifest | None:
        """Return the draft model that came along with a model, or that its preset names; only for
        the latter it is an error that it is not there.
        """
        try:
            return self._store.get(manifest.draft) if manifest.draft else None
        except ModelNotFound as error:
            if not manifest.preset.base:
                structlog.get_logger("models").warning(
                    "a draft model is gone: the model writes slower",
                    model=manifest.name,
                    draft=manifest.draft,
                )
                return None
            raise ConfigInvalid(
                f"{manifest.name} has the draft model {manifest.draft}, which cannot be loaded: "
                f"{error.message}",
                hint=f"`llmd pull {manifest.draft}`, or create {manifest.name} anew without it.",
                param="draft",
            ) from error

    def _find(self, name: str) -> ModelManifest | None:
        if not name:
            return None
        try:
            return self._store.get(name)
        except ModelNotFound as error:
            raise ConfigInvalid(
                f"speculation.draft_models names {name}, which cannot be loaded: {error.message}",
                hint=f"`llmd pull {name}`, or change the setting.",
                param="speculation.draft_models",
            ) from error


def parse(text: str) -> tuple[dict[str, str], str]:
    """Read `MODEL=DRAFT,...`; return the pairs, and the DRAFT without a model or an empty text.

    Raises ConfigInvalid for anything else.
    """
    pairs: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        model, equals, draft = (part.strip() for part in entry.partition("="))
        model, draft = (model, draft) if equals else ("", model)
        if not draft or (equals and not model) or model in pairs:
            raise ConfigInvalid(
                f"speculation.draft_models has an entry that cannot be read: {entry!r}.",
                hint="Write MODEL=DRAFT for each model once, with commas between.",
                param="speculation.draft_models",
            )
        pairs[model] = draft
    return pairs, pairs.pop("", "")
