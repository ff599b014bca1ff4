"""All registered models: the built-in one, and one manifest on disk for each other.

Every call looks at the disk, so that another process's changes count at once; unchanged manifests
are not read again. Files that several models share go with the last of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from llmd.errors import InvalidRequest, ModelNotFound, NameTaken
from llmd.models import files, manifest, projectors, safetensors
from llmd.models.catalog import Catalogue, builtin, canonical
from llmd.models.gguf.inspection import inspect
from llmd.models.manifest import Provided
from llmd.models.names import (
    RemoteReference,
    check_name,
    expanded,
    name_from_file,
    near_misses,
    parse,
)
from llmd.models.quantization import SOURCE
from llmd.models.records import Damaged, Records
from llmd.protocol.models import Kind, ModelManifest

BUILTIN = "llmd-tiny"

Models = list[ModelManifest]
DamagedRecords = list[Damaged]

_NOUNS = {Kind.EMBEDDING: "embedding model", Kind.RERANK: "reranker"}


class Removed(msgspec.Struct, frozen=True):
    """What removing a model did."""

    removed: str
    freed: int
    """Bytes."""
    kept_file: str | None
    """The file, when it stays: it is not llmd's, or another model uses it."""
    used_by: list[str] = []
    """Models that use the same files."""
    drafted_for: list[str] = []
    """Models that are written slower without it."""
    default_for: list[str] = []
    """What it was chosen to answer: `chat`, `vision`, `embedding` or `rerank`."""


class ModelStore:
    """Manifests in `directory`, and the built-in model's file `builtin`. May be used from several
    threads.
    """

    def __init__(self, models_dir: Path, builtin: Path, catalogue: Catalogue | None = None) -> None:
        self._catalogue = catalogue or Catalogue()
        self._records = Records(models_dir)
        self._builtin_file = builtin
        self._builtin: ModelManifest | None = None

    def list(self) -> Models:
        """Return all models: the built-in one, then the others by name. A file may be missing, see
        `get`.
        """
        stored = sorted(self._records.models(), key=lambda model: model.name.casefold())
        return [self.builtin(), *stored]

    @property
    def directory(self) -> Path:
        """Where the records lie."""
        return self._records.directory

    def changing(self) -> AbstractContextManager[None]:
        """Keep everybody else from changing records; the holder may."""
        return self._records.changing()

    def damaged(self) -> DamagedRecords:
        """Return the records that cannot be read."""
        return self._records.damaged()

    def builtin(self) -> ModelManifest:
        """Return the model that came with llmd."""
        if self._builtin is None:
            added = self._builtin_file.stat().st_mtime
            found = inspect(self._builtin_file)
            self._builtin = manifest.describe(
                BUILTIN, found, source="builtin", added=added, owned=False
            )
        return self._builtin

    def find(self, name: str) -> ModelManifest:
        """Return a model whether or not its file is still there; raise ModelNotFound with near
        names.

        The case of letters does not matter, and the quantisation may be left out while only one is
        registered.
        """
        if model := self._records.named(name):
            return model  # nobody has to look at ten thousand others for it
        models = self.list()
        wanted = canonical(name, self._catalogue).casefold()
        by_key = {model.name.casefold(): model for model in models}
        if exact := by_key.get(wanted):
            return exact
        variants = [model for key, model in by_key.items() if key.startswith(f"{wanted}:")]
        if len(variants) == 1:
            return variants[0]
        near = [model.name for model in variants] or near_misses(name, [m.name for m in models])
        raise _unknown(name, near, self._catalogue)

    def get(self, name: str) -> ModelManifest:
        """Return a model that can be loaded; raise ModelNotFound, naming the file when that has
        gone.
        """
        model = self.find(name)
        _check_files(model)
        return model

    def register(  # noqa: PLR0913  what a record is made of
        self,
        path: Path,
        name: str | None = None,
        source: str | None = None,
        *,
        owned: bool = False,
        projector: str | None = None,
        provided: Provided | None = None,
    ) -> ModelManifest:
        """Look at a file and write its manifest; the same file or source again replaces the earlier
        one. `projector` is the path of its mmproj file or `none`; by default the one beside it.
        `provided` is what its source gave along.

        Raises NotFound, CorruptFile, UnsupportedArchitecture, InvalidRequest for a bad name,
        NameTaken.
        """
        model = self.look(path, name, source, owned=owned, projector=projector)
        return self._enter(manifest.provided(model, provided or Provided()))

    def look(
        self,
        path: Path,
        name: str | None = None,
        source: str | None = None,
        *,
        owned: bool = False,
        projector: str | None = None,
    ) -> ModelManifest:
        """Describe a file as `register` does, without writing anything."""
        path = Path(os.path.abspath(expanded(path)))
        safetensors.check_path(path)
        found = inspect(path)
        chats = found.kind is Kind.CHAT
        fitting = projectors.fitting(projector, path, found.width) if chats else None
        model = manifest.describe(
            check_name(name or name_from_file(path)),
            found,
            source=source or f"file://{path}",
            added=time.time(),
            owned=owned,
        )
        return manifest.accompanied(model, fitting) if fitting else model

    def _enter(self, model: ModelManifest) -> ModelManifest:
        """Write a record, in place of an earlier one that it may replace."""
        with self._records.changing():
            earlier = self._holder(model.name)
            if earlier is None:
                self._write(model, new=True)
                return model
            if not self._may_replace(earlier, model.source, model.path):
                raise _taken(model.name, earlier)
            model = manifest.inheriting(model, earlier)
            self._write(model, new=False)
            if earlier.owned:
                self._delete_unused(earlier)
        return model

    def check_free(self, name: str, source: str, path: str) -> None:
        """Raise NameTaken where a file from there could not be registered under this name."""
        earlier = self._holder(name)
        if earlier and not self._may_replace(earlier, source, path):
            raise _taken(name, earlier)

    def change(self, name: str, edit: Callable[[ModelManifest], ModelManifest]) -> ModelManifest:
        """Rewrite a manifest; raise InvalidRequest for the built-in model, which has none, and what
        `edit` raises.
        """
        with self._records.changing():
            model = self.get(name)
            if model.source == "builtin":
                raise InvalidRequest(
                    f"{BUILTIN} is part of llmd and cannot be changed.",
                    hint=f"Give it a second name and change that: llmd cp {BUILTIN} NAME.",
                    param="model",
                )
            changed = edit(model)
            self._write(changed, new=False)
        return changed

    def derive(
        self, model: ModelManifest, name: str, edit: Callable[[ModelManifest], ModelManifest]
    ) -> ModelManifest:
        """Make a model of its own name that shares the files of `model`, changed by `edit`; an
        earlier one that was made so gives way.

        Raises ModelNotFound when the files are gone, NameTaken, InvalidRequest for a bad name, and
        what `edit` raises.
        """
        with self._records.changing():
            _check_files(model)
            earlier = self._holder(check_name(name))
            if earlier and (not earlier.preset.base or earlier.name == model.name):
                raise _taken(name, earlier)
            named = earlier.name if earlier else name
            made = msgspec.structs.replace(
                edit(model), name=named, added=time.time(), source=_copied_source(model)
            )
            self._write(made, new=earlier is None)
            if earlier and earlier.owned:
                self._delete_unused(earlier)
        return made

    def copy(self, source: str, target: str) -> ModelManifest:
        """Give a model a second name; both then share its files."""
        with self._records.changing():
            model = self.get(source)
            earlier = self._holder(check_name(target))
            if earlier:
                raise _taken(target, earlier)
            copied = msgspec.structs.replace(
                model, name=target, added=time.time(), source=_copied_source(model)
            )
            self._write(copied, new=True)
        return copied

    def remove(self, name: str) -> Removed:
        """Forget a model; delete its files if llmd fetched them and no other model uses them."""
        with self._records.changing():
            model = self.find(name)
            if model.source == "builtin" and model.name == BUILTIN:
                raise InvalidRequest(
                    f"{BUILTIN} is part of llmd and cannot be removed.", param="model"
                )
            manifest.remove(self.directory, model.name)
            freed = self._delete_unused(model) if model.owned else 0
            others = self.list()
        sharing = [other.name for other in others if files.same(other.path, model.path)]
        slower = [other.name for other in others if other.draft == model.name]
        kept = None if files.missing([model.path]) else model.path
        return Removed(model.name, freed, kept, sharing, slower)

    def default(self, kind: Kind) -> ModelManifest:
        """Return the model that answers when none is named: the newest, for chat else the built-in
        one. Variants made here stand back behind all others; presets have to be named.
        """
        found = [
            model
            for model in self._records.models()
            if model.kind is kind and model.source != SOURCE + BUILTIN and not model.preset.base
        ]
        for model in sorted(found, key=_standing, reverse=True):
            if not files.missing(model.files):
                return model
        if kind is Kind.CHAT:
            return self.builtin()
        alias = next(entry.alias for entry in builtin().values() if entry.kind is kind)
        raise ModelNotFound(
            f"There is no {_NOUNS[kind]} yet.", hint=f"Fetch one: llmd pull {alias}.", param="model"
        )

    def _holder(self, name: str) -> ModelManifest | None:
        return next(
            (model for model in self.list() if model.name.casefold() == name.casefold()), None
        )

    def _may_replace(self, earlier: ModelManifest, source: str, path: str) -> bool:
        if earlier.source == "builtin" or earlier.preset.base:
            return False
        return earlier.source == source or files.same(earlier.path, path)

    def _write(self, model: ModelManifest, *, new: bool) -> None:
        try:
            manifest.write(self.directory, model, new=new)
        except FileExistsError:
            # a process without locks was quicker, or a damaged manifest holds the place
            holder = self._records.named(model.name)
            if holder is not None and not self._may_replace(holder, model.source, model.path):
                raise _taken(model.name, holder) from None
            manifest.write(self.directory, model, new=False)

    def _delete_unused(self, model: ModelManifest) -> int:
        """Delete a model's files that no other model has."""
        used = {os.path.realpath(file) for other in self.list() for file in other.files}
        mine = [
            Path(file)
            for file in model.files
            if os.path.realpath(file) not in used and not self._records.mentioned(file)
        ]
        freed = files.delete(mine)
        for file in mine:
            files.tidy(file.parent, self.directory)
        return freed


def _unknown(name: str, near: list[str], catalogue: Catalogue) -> ModelNotFound:
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    elif catalogue.find(name) or catalogue.find(name.partition(":")[0]):
        hint = f"Fetch it: llmd pull {name}."
    elif near := catalogue.near(name):
        hint = f"Did you mean {' or '.join(near)}? Fetch it: llmd pull {near[0]}."
    else:
        hint = "`llmd ls` lists the models that are here, `llmd search` those to fetch."
    return ModelNotFound(
        f"There is no model {name[:200]}.", hint=hint, param="model", suggestions=near
    )


def _check_files(model: ModelManifest) -> None:
    if gone := files.missing(model.files):
        raise ModelNotFound(
            f"The file of {model.name} is gone: {gone[0]}.",
            hint=_recovery(model),
            param="model",
            path=gone[0],
        )


def _standing(model: ModelManifest) -> tuple[bool, float]:
    return not model.source.startswith(SOURCE), model.added


def _can_be_pulled(source: str) -> bool:
    try:
        return isinstance(parse(source), RemoteReference)
    except InvalidRequest:
        return False


def _recovery(model: ModelManifest) -> str:
    if _can_be_pulled(model.source):
        return f"Fetch it again: llmd pull {model.source}, or forget it: llmd rm {model.name}."
    if model.source.startswith(SOURCE):
        again = f"llmd quantize {model.source.removeprefix(SOURCE)} {model.quantization}"
        return f"Make it again: {again}, or forget it: llmd rm {model.name}."
    return f"Put the file back, or forget the model: llmd rm {model.name}."


def _copied_source(model: ModelManifest) -> str:
    return f"file://{model.path}" if model.source == "builtin" else model.source


def _taken(name: str, holder: ModelManifest) -> NameTaken:
    builtin = holder.source == "builtin"
    return NameTaken(
        f"The name {name} belongs to {'the built-in model' if builtin else holder.path}.",
        hint="Choose another name"
        + ("." if builtin else f", or free it first: llmd rm {holder.name}."),
        param="name",
    )
