"""All registered models: the built-in one, and one manifest on disk for each other.

Every call looks at the disk, so that another process's changes count at once; unchanged manifests
are not read again.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from llmd.errors import InvalidRequest, LlmdError, ModelNotFound, NameTaken
from llmd.models import catalog, files, manifest, projectors
from llmd.models.gguf.inspection import inspect
from llmd.models.names import HubReference, check_name, expanded, name_from_file, near_misses, parse
from llmd.protocol.models import Kind, ModelManifest

BUILTIN = "llmd-tiny"

Models = list[ModelManifest]

_NOUNS = {Kind.EMBEDDING: "embedding model", Kind.RERANK: "reranker"}
_Signature = tuple[int, int, int]


class Removed(msgspec.Struct, frozen=True):
    """What removing a model did."""

    removed: str
    freed: int
    """Bytes."""
    kept_file: str | None
    """The file, when it stays: it is not llmd's, or another model uses it."""


class ModelStore:
    """Manifests in `directory`, and the built-in model's file `builtin`. May be used from several
    threads.
    """

    def __init__(self, models_dir: Path, builtin: Path) -> None:
        self._directory = models_dir
        self._builtin_file = builtin
        self._builtin: ModelManifest | None = None
        self._read: dict[str, tuple[_Signature, ModelManifest | None]] = {}
        self._lock = threading.RLock()
        self._log = structlog.get_logger("models")

    def list(self) -> Models:
        """Return all models: the built-in one, then the others by name. A file may be missing, see
        `get`.
        """
        return [self.builtin(), *sorted(self._stored(), key=lambda model: model.name.casefold())]

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
        models = self.list()
        wanted = _canonical(name)
        by_key = {model.name.casefold(): model for model in models}
        if exact := by_key.get(wanted):
            return exact
        variants = [model for key, model in by_key.items() if key.startswith(f"{wanted}:")]
        if len(variants) == 1:
            return variants[0]
        raise _unknown(
            name, [model.name for model in variants] or near_misses(name, [m.name for m in models])
        )

    def get(self, name: str) -> ModelManifest:
        """Return a model that can be loaded; raise ModelNotFound, naming the file when that has
        gone.
        """
        model = self.find(name)
        gone = files.missing(model.files)
        if gone:
            raise ModelNotFound(
                f"The file of {model.name} is gone: {gone[0]}.",
                hint=_recovery(model),
                param="model",
                path=gone[0],
            )
        return model

    def register(
        self,
        path: Path,
        name: str | None = None,
        source: str | None = None,
        *,
        owned: bool = False,
        projector: str | None = None,
    ) -> ModelManifest:
        """Look at a file and write its manifest; the same file or source again replaces the earlier
        one. `projector` is the path of its mmproj file or `none`; by default the one beside it.

        Raises NotFound, CorruptFile, UnsupportedArchitecture, InvalidRequest for a bad name,
        NameTaken.
        """
        path = Path(os.path.abspath(expanded(path)))
        found = inspect(path)
        chats = found.kind is Kind.CHAT
        fitting = projectors.fitting(projector, path, found.width) if chats else None
        source = source or f"file://{path}"
        name = check_name(name or name_from_file(path))
        with self._lock:
            earlier = self._holder(name)
            if earlier and not self._may_replace(earlier, path, source):
                raise _taken(name, earlier)
            kept = earlier.owned if earlier and files.same(earlier.path, str(path)) else False
            model = manifest.describe(
                earlier.name if earlier else name,
                found,
                source=source,
                added=time.time(),
                owned=owned or kept,
            )
            if fitting:
                model = manifest.accompanied(model, fitting)
            if earlier:
                model = manifest.inheriting(model, earlier)
            self._write(model, new=earlier is None)
            if earlier and earlier.owned:
                self._delete_unused(earlier)
        return model

    def change(self, name: str, edit: Callable[[ModelManifest], ModelManifest]) -> ModelManifest:
        """Rewrite a manifest; raise InvalidRequest for the built-in model, which has none, and what
        `edit` raises.
        """
        with self._lock:
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

    def copy(self, source: str, target: str) -> ModelManifest:
        """Give a model a second name; both then share its files."""
        with self._lock:
            model = self.get(source)
            earlier = self._holder(check_name(target))
            if earlier:
                raise _taken(target, earlier)
            copied = msgspec.structs.replace(
                model,
                name=target,
                added=time.time(),
                source=_copied_source(model),
                owned=model.owned,
            )
            self._write(copied, new=True)
        return copied

    def remove(self, name: str) -> Removed:
        """Forget a model; delete its files if llmd fetched them and no other model uses them."""
        with self._lock:
            model = self.find(name)
            if model.source == "builtin" and model.name == BUILTIN:
                raise InvalidRequest(
                    f"{BUILTIN} is part of llmd and cannot be removed.", param="model"
                )
            manifest.remove(self._directory, model.name)
            freed = self._delete_unused(model) if model.owned else 0
        kept = None if files.missing([model.path]) else model.path
        return Removed(model.name, freed, kept)

    def default(self, kind: Kind) -> ModelManifest:
        """Return the model that answers when none is named: the newest, for chat else the built-in
        one.
        """
        usable = [
            model
            for model in self._stored()
            if model.kind is kind and not files.missing(model.files)
        ]
        if usable:
            return max(usable, key=lambda model: model.added)
        if kind is Kind.CHAT:
            return self.builtin()
        alias = next(entry.alias for entry in catalog.entries().values() if entry.kind is kind)
        raise ModelNotFound(
            f"There is no {_NOUNS[kind]} yet.", hint=f"Fetch one: llmd pull {alias}.", param="model"
        )

    def _stored(self) -> Models:
        with self._lock:
            seen: dict[str, tuple[_Signature, ModelManifest | None]] = {}
            for path, signature in _records(self._directory):
                known = self._read.get(path.name)
                seen[path.name] = (
                    known if known and known[0] == signature else (signature, self._load(path))
                )
            self._read = seen
        return [model for _, model in seen.values() if model is not None]

    def _load(self, path: Path) -> ModelManifest | None:
        try:
            return manifest.read(path)
        except FileNotFoundError:
            return None
        except manifest.DamagedManifest as error:
            self._log.warning(
                "a damaged manifest is passed over", path=str(path), reason=str(error)
            )
            return None

    def _holder(self, name: str) -> ModelManifest | None:
        return next(
            (model for model in self.list() if model.name.casefold() == name.casefold()), None
        )

    def _may_replace(self, earlier: ModelManifest, path: Path, source: str) -> bool:
        if earlier.source == "builtin":
            return False
        return earlier.source == source or files.same(earlier.path, str(path))

    def _write(self, model: ModelManifest, *, new: bool) -> None:
        try:
            manifest.write(self._directory, model, new=new)
        except FileExistsError:
            # another process was quicker, or a damaged manifest holds the place
            holder = self._load(manifest.record_path(self._directory, model.name))
            if holder is not None and not self._may_replace(holder, Path(model.path), model.source):
                raise _taken(model.name, holder) from None
            manifest.write(self._directory, model, new=False)

    def _delete_unused(self, model: ModelManifest) -> int:
        used = {os.path.realpath(file) for other in self.list() for file in other.files}
        mine = [Path(file) for file in model.files if os.path.realpath(file) not in used]
        return files.delete(mine)


def _records(directory: Path) -> list[tuple[Path, _Signature]]:
    found = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.endswith(manifest.SUFFIX) and not entry.name.startswith("."):
                    status = entry.stat()
                    signature = (status.st_mtime_ns, status.st_size, status.st_ino)
                    found.append((Path(entry.path), signature))
    except FileNotFoundError:
        # no model was ever registered, or one was removed this very moment
        return found
    return found


def _canonical(name: str) -> str:
    """Write hf://OWNER/REPO:QUANT and its like as models are named here."""
    try:
        reference = parse(name)
    except LlmdError:
        return name.casefold()
    if isinstance(reference, HubReference):
        return ":".join(filter(None, (reference.repo, reference.selector))).casefold()
    return name.casefold()


def _unknown(name: str, near: list[str]) -> ModelNotFound:
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    elif catalog.find(name.partition(":")[0]):
        hint = f"Fetch it: llmd pull {name}."
    else:
        hint = "`llmd ls` lists the models that are here, `llmd pull` fetches more."
    return ModelNotFound(
        f"There is no model {name[:200]}.", hint=hint, param="model", suggestions=near
    )


def _recovery(model: ModelManifest) -> str:
    if model.source.startswith("hf://"):
        return f"Fetch it again: llmd pull {model.source}, or forget it: llmd rm {model.name}."
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
