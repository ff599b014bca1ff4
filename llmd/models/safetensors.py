"""Says what to do with weights that are not GGUF: llmd serves what llama.cpp loads, and converting
is the business of llama.cpp's own script, which needs PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llmd.errors import UnsupportedFormat

_ENDINGS = (".safetensors", ".safetensors.index.json", "pytorch_model.bin", ".pth")
_MOST_NEIGHBOURS = 4096


def is_foreign(name: str) -> bool:
    """Whether a file name is that of weights in another format than GGUF."""
    return name.lower().endswith(_ENDINGS)


def check_path(path: Path) -> None:
    """Raise UnsupportedFormat for weights in another format, or a folder that holds such and no
    GGUF file.
    """
    if is_foreign(path.name):
        raise _refused(str(path), path.parent)
    if not path.is_dir():
        return
    names = [file.name for file, _ in zip(path.iterdir(), range(_MOST_NEIGHBOURS), strict=False)]
    ggufs = sorted(name for name in names if name.lower().endswith(".gguf"))
    if ggufs:
        raise UnsupportedFormat(
            f"{path} is a folder.", hint=f"Name the file: {path / ggufs[0]}.", param="path"
        )
    if any(map(is_foreign, names)):
        raise _refused(str(path), path)


def check_repository(repo: str, names: Iterable[str]) -> None:
    """Raise UnsupportedFormat for a repository without GGUF files that has weights in another
    format.
    """
    if any(map(is_foreign, names)):
        raise _refused(repo, Path(repo.rpartition("/")[2]))


def _refused(what: str, folder: Path) -> UnsupportedFormat:
    return UnsupportedFormat(
        f"{what} has its weights as safetensors or PyTorch files, which llama.cpp does not load.",
        hint="Most models are published as GGUF too: look for a repository of the same name that "
        "ends in -GGUF (llmd search). Or convert it with the script that comes with llama.cpp, "
        f"`python convert_hf_to_gguf.py {folder}`, and register what it writes: llmd import "
        "FILE.gguf.",
        param="name",
    )
