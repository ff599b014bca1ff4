"""The LoRA adapters of a model: read when a request first names one, switched between decode calls.

A context runs with one set of adapters at a time, so sequences whose keys differ decode apart. The
key is canonical: neither the order of adapters nor those of scale 0 make a difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from llmd.engine.bindings import Adapter, Context, Model
from llmd.errors import InvalidRequest, LoadFailed
from llmd.protocol.models import AdapterFile
from llmd.protocol.requests import Adapter as Wanted

AdapterKey = tuple[tuple[str, float], ...]
"""Names and scales, sorted; hashable. The empty one is the plain model."""


class Adapters:
    """The adapter files a model was loaded with, by name."""

    def __init__(self, model: Model, files: Sequence[AdapterFile]) -> None:
        self._model = model
        self._files = {file.name: file for file in files}
        self._read: dict[str, Adapter] = {}
        self._default = _key((file.name, file.scale) for file in files if file.default)

    def resolve(self, wanted: Sequence[Wanted] | None) -> AdapterKey:
        """Return the key of a request's adapters, None meaning the default ones; raise
        InvalidRequest for names the model does not have. Safe to call from any thread.
        """
        if wanted is None:
            return self._default
        scales: dict[str, float] = {}
        for adapter in wanted:
            name = self._find(adapter.name)
            if name in scales:
                raise InvalidRequest(f"adapters names {name} twice.", param="adapters")
            if not math.isfinite(adapter.scale):
                raise InvalidRequest("The scale of an adapter is a number.", param="adapters")
            scales[name] = adapter.scale
        return _key(scales.items())

    def _find(self, name: str) -> str:
        """Return the name of an adapter; llama-server's clients give its place instead."""
        if name in self._files:
            return name
        if name.isascii() and name.isdecimal() and int(name[:9]) < len(self._files):
            return list(self._files)[int(name[:9])]
        raise InvalidRequest(
            f"This model has no adapter {name[:100]!r}.", hint=self._hint(), param="adapters"
        )

    def read(self, key: AdapterKey) -> None:
        """Read those files of `key` that were not needed before; raise LoadFailed. Only between
        decode calls: llama.cpp enters the adapter into the model.
        """
        for name, _ in key:
            if name not in self._read:
                self._read[name] = self._load(self._files[name])

    def activate(self, context: Context, key: AdapterKey) -> None:
        """Make a context run with exactly these adapters; raises what `read` does."""
        self.read(key)
        context.adapt([(self._read[name], scale) for name, scale in key])

    def close(self) -> None:
        """Free all adapters; no context may decode any more."""
        for adapter in self._read.values():
            adapter.close()
        self._read.clear()

    def _load(self, file: AdapterFile) -> Adapter:
        adapter = Adapter.load(self._model, file.path)
        if adapter is None:
            raise LoadFailed(
                f"llama.cpp could not load the adapter {file.name} from {file.path}.",
                hint="It may belong to another model; `llmd logs` shows what llama.cpp said.",
                adapter=file.name,
            )
        return adapter

    def _hint(self) -> str:
        if not self._files:
            return "Give it one: llmd adapters add MODEL FILE."
        return f"It has {', '.join(sorted(self._files))}."


def _key(pairs: Iterable[tuple[str, float]]) -> AdapterKey:
    return tuple(sorted((name, scale) for name, scale in pairs if scale))
