"""Where tools keep their models, by what their documentation and sources say and the environment
changes.

Ollama: see its `store`. Hugging Face: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME. llama.cpp:
LLAMA_CACHE, else its folder among the user's caches (common/common.cpp); today it uses the Hugging
Face cache too (common/hf-cache.cpp). LM Studio: ~/.lmstudio or where ~/.lmstudio-home-pointer says,
`downloadsFolder` of its settings, and earlier ~/.cache/lm-studio. ModelScope: MODELSCOPE_CACHE,
~/.cache/modelscope, ~/.modelscope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from llmd.models.ollama.store import directories
from llmd.protocol.adoption import Place, Tool

_LARGEST_SETTINGS = 2**20


class _LmStudioSettings(msgspec.Struct):
    downloads_folder: str = msgspec.field(name="downloadsFolder", default="")


def known_places(environ: Mapping[str, str], home: Path) -> list[Place]:
    """Return the directories that may hold models, each once, whether they exist or not; those
    whose tool knows most about a model come first.
    """
    caches = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    found = [
        *((Tool.OLLAMA, path) for path in directories(environ, home)),
        *((Tool.HUGGING_FACE, path) for path in _hugging_face(environ, home, caches)),
        *((Tool.LM_STUDIO, path) for path in _lm_studio(home)),
        *((Tool.LLAMA_CPP, path) for path in _llama_cpp(environ, home, caches)),
        *((Tool.MODELSCOPE, path) for path in _modelscope(environ, home)),
    ]
    absolute = [path for _, path in found if path.is_absolute()]
    places = {str(path): Place(tool, str(path)) for tool, path in reversed(found)}
    return [places[text] for text in dict.fromkeys(str(path) for path in absolute)]


def _named(environ: Mapping[str, str], *names: str) -> Iterator[Path]:
    for name in names:
        if value := environ.get(name):
            yield Path(value).expanduser()


def _hugging_face(environ: Mapping[str, str], home: Path, caches: Path) -> Iterator[Path]:
    yield from _named(environ, "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
    for path in _named(environ, "HF_HOME"):
        yield path / "hub"
    yield caches / "huggingface" / "hub"
    yield home / ".cache" / "huggingface" / "hub"


def _lm_studio(home: Path) -> Iterator[Path]:
    roots = [home / ".lmstudio"]
    if pointed := _text(home / ".lmstudio-home-pointer").strip():
        roots.insert(0, Path(pointed))
    for root in roots:
        try:
            settings = msgspec.json.decode(_text(root / "settings.json"), type=_LmStudioSettings)
        except msgspec.MsgspecError:
            settings = _LmStudioSettings()
        if settings.downloads_folder:
            yield Path(settings.downloads_folder)
        yield root / "models"
    yield home / ".cache" / "lm-studio" / "models"


def _llama_cpp(environ: Mapping[str, str], home: Path, caches: Path) -> Iterator[Path]:
    yield from _named(environ, "LLAMA_CACHE")
    yield caches / "llama.cpp"
    yield home / "Library" / "Caches" / "llama.cpp"


def _modelscope(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    yield from _named(environ, "MODELSCOPE_CACHE")
    yield home / ".cache" / "modelscope" / "hub"
    yield home / ".modelscope" / "hub"


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST_SETTINGS)
    except OSError:
        return ""
