"""Makes presets: models of their own name over another's files. All that a recipe names is looked
at before anything is written.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import msgspec

from llmd.chat.go_templates.syntax import Untranslatable
from llmd.chat.go_templates.translation import Translated, translate
from llmd.errors import InvalidRequest, ModelBusy, ModelNotFound
from llmd.models import adapters
from llmd.models.gguf.header import read_header
from llmd.models.names import PathReference, expanded, parse
from llmd.models.presets.instructions import read_modelfile
from llmd.models.presets.modelfile import fault, is_modelfile
from llmd.models.presets.recipe import GoTemplate, Recipe, applied, merged
from llmd.models.presets.tables import LONGEST, is_toml, read_toml
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest
from llmd.protocol.placement import LoadOptions
from llmd.runtime.pool import Pool
from llmd.runtime.template_trial import check_template

_OWN_TEMPLATE = "tokenizer.chat_template"
_LATEST = ":latest"


class Created(msgspec.Struct, frozen=True):
    """A preset that was made."""

    model: ModelManifest
    notes: list[str]
    """What of its file was left out or decided, and why."""


class Presets:
    """What `llmd create` needs."""

    def __init__(self, store: ModelStore, pool: Pool) -> None:
        self._store = store
        self._pool = pool

    async def create(self, name: str, text: str | None, directory: str, changes: Recipe) -> Created:
        """Make a preset out of the text of a file (TOML or Modelfile; None: there is no file) and
        changes that win over it. Paths in the text count from `directory`.

        Raises InvalidRequest with line and reason, ModelNotFound, NotFound, CorruptFile,
        UnsupportedArchitecture, NameTaken, and ModelBusy while an earlier preset of that name
        answers.
        """
        recipe = merged(await asyncio.to_thread(_read, text), changes) if text else changes
        recipe = msgspec.structs.replace(recipe, directory=directory)
        base = await asyncio.to_thread(self._base, recipe)
        recipe = await self._with_template(recipe, base)
        if recipe.draft:
            await asyncio.to_thread(self._store.get, recipe.draft)
        self._check_idle(name)
        made = await asyncio.to_thread(self._derive, base, name, recipe)
        await self._pool.unload(made.name)
        return Created(made, [*recipe.notes, *_beyond(made)])

    async def change(self, name: str, changes: Recipe) -> Created:
        """Change how a model is configured, whether it is a preset or not; adapters and what it is
        made from stay. What is loaded with it goes on with its sampling and system prompt at once,
        and is unloaded where it would have to be loaded otherwise.

        Raises ModelNotFound, ModelBusy while one that would have to be unloaded answers, and
        InvalidRequest, also for the built-in model.
        """
        model = await asyncio.to_thread(self._store.get, name)
        recipe = await self._with_template(changes, model)
        if recipe.draft:
            await asyncio.to_thread(self._store.get, recipe.draft)
        anew = bool(recipe.template or recipe.draft is not None or recipe.options != LoadOptions())
        if anew:
            self._check_idle(model.name)
        edit = partial(_changed, recipe)
        made = await asyncio.to_thread(self._store.change, model.name, edit)
        if anew:
            await self._pool.unload(made.name)
        return Created(made, [*recipe.notes, *_beyond(made)])

    def _check_idle(self, name: str) -> None:
        for loaded in self._pool.loaded():
            if loaded.name.casefold() == name.casefold() and loaded.running:
                raise ModelBusy(
                    f"{name} is answering {loaded.running} requests.",
                    hint="Wait for them to finish.",
                )

    def _derive(self, base: ModelManifest, name: str, recipe: Recipe) -> ModelManifest:
        found = [
            adapters.describe(
                _path(recipe, wish.path), base, wish.name, wish.scale, default=wish.default
            )
            for wish in recipe.adapters
        ]
        return self._store.derive(base, name, lambda model: applied(model, recipe, found))

    def _base(self, recipe: Recipe) -> ModelManifest:
        """Return what the preset is made from: a registered model, or a file as it would be."""
        if not recipe.base:
            raise InvalidRequest(
                "Nothing says what the preset is made from.",
                hint='Name a model: --from MODEL, or from = "MODEL" (FROM MODEL) in the file.',
                param="from",
            )
        if path := _file(recipe):
            projector = recipe.projector and str(_path(recipe, recipe.projector))
            looked = partial(self._store.look, projector=projector)
            return msgspec.structs.replace(looked(path), name=str(path))
        if recipe.projector:
            raise InvalidRequest(
                "A second FROM is the projector of a model that is a file.",
                hint="Take it out: a registered model has its projector already.",
                param="from",
            )
        try:
            return self._store.get(recipe.base)
        except ModelNotFound:
            if recipe.base.endswith(_LATEST):  # Ollama's word for no tag
                return self._store.get(recipe.base.removesuffix(_LATEST))
            raise

    async def _with_template(self, recipe: Recipe, base: ModelManifest) -> Recipe:
        """Return the recipe with its template in Jinja, tried."""
        if recipe.template_file is not None:
            text = await asyncio.to_thread(_template_text, _path(recipe, recipe.template_file))
            recipe = msgspec.structs.replace(recipe, template=text)
        own = base.preset.template or await asyncio.to_thread(_own_template, base)
        if recipe.go_template and recipe.go_template.source.strip():
            return await _with_go_template(recipe, recipe.go_template, own)
        if recipe.template:
            await check_template(recipe.template, own)
        return recipe


def _changed(recipe: Recipe, model: ModelManifest) -> ModelManifest:
    made = applied(model, recipe, [])
    preset = msgspec.structs.replace(made.preset, base=model.preset.base)
    return msgspec.structs.replace(made, preset=preset)


async def _with_go_template(recipe: Recipe, template: GoTemplate, own: str) -> Recipe:
    translated = _translated(template)
    same = await check_template(translated.source, own)
    if same:
        note = "says what the model's own template says, which stays."
    elif not translated.whole:
        raise fault(
            template.line,
            "this TEMPLATE also writes tools or reasoning, in Go's template language, and differs "
            "from the model's own template",
            "Take it out, so that the model's own counts, or give a Jinja template: --template.",
        )
    else:
        note = "is kept in Jinja; it describes no tools, so llmd offers them in its own words."
    notes = [*recipe.notes, f"line {template.line}: TEMPLATE {note}"]
    source = recipe.template if same else translated.source
    return msgspec.structs.replace(recipe, template=source, notes=notes)


def _translated(template: GoTemplate) -> Translated:
    try:
        return translate(template.source)
    except Untranslatable as error:
        raise fault(
            template.line,
            f"its TEMPLATE cannot be translated from Go's template language: {error}",
            "Take it out, so that the model's own counts, or give a Jinja template: --template.",
        ) from error


def _read(text: str) -> Recipe:
    if is_modelfile(text) and not is_toml(text):
        return read_modelfile(text)
    return read_toml(text)


def _path(recipe: Recipe, text: str) -> Path:
    return Path(recipe.directory or "/") / expanded(Path(text.removeprefix("file://")))


def _file(recipe: Recipe) -> Path | None:
    """Return the file that a recipe is made from; None when it is a registered model."""
    path = _path(recipe, recipe.base)
    try:
        if isinstance(parse(recipe.base), PathReference) or path.is_file():
            return path
    except (InvalidRequest, OSError, ValueError):
        return None  # such a name can still be a model's, or nothing is found
    return None


def _template_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise InvalidRequest(f"{path} cannot be read: {reason}.", param="template_file") from error
    if len(data) > LONGEST:
        raise InvalidRequest(f"{path} is too long for a template.", param="template_file")
    return text


def _own_template(model: ModelManifest) -> str:
    value = read_header(Path(model.path)).values.get(_OWN_TEMPLATE)
    return value if isinstance(value, str) else ""


def _beyond(model: ModelManifest) -> list[str]:
    wanted = model.options.context_length or 0
    if not 0 < model.context_length < wanted:
        return []
    return [f"a context of {wanted} is beyond the {model.context_length} the model was trained for"]
