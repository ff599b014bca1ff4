"""Fixtures that every test may use: the built-in model, its cases, and small models made on the
spot.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fakes.random_memories import write_random_memory
from tests.fakes.random_model import write_random_model
from tests.fakes.random_vision import write_random_vision

DATA = Path(__file__).parent / "data"

# tests do not judge how long anything takes: a busy machine would fail them
settings.register_profile("llmd", deadline=None)
settings.load_profile("llmd")

# shells start what runs in the background with Ctrl-C ignored, and children would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection() -> None:
    """Nothing that is collected is garbage."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end, and so do their reports: look through them seldom."""
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 60)
    gc.enable()


def pytest_sessionfinish() -> None:
    """Look for what was forgotten once; pytest looks five times, and at all there is."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """The built-in chat model."""
    return Path(str(files("llmd") / "assets" / "llmd-tiny-q8_0.gguf"))


@pytest.fixture(scope="session")
def f16_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in chat model with its weights in 16 bits, as a source for quantising."""
    from llmd.engine.bindings.quantizer import QuantizerOptions, quantize

    target = tmp_path_factory.mktemp("models") / "tiny-f16.gguf"
    assert quantize(str(tiny_model), str(target), QuantizerOptions(1, threads=1, requantize=True))
    return target


@pytest.fixture(scope="session")
def embedding_model() -> Path:
    """all-MiniLM-L6-v2, a real embedding model."""
    return DATA / "all-minilm-l6-v2-q4_0.gguf"


@pytest.fixture(scope="session")
def reranker_model(embedding_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedding model under a random head that ranks: `ranker.gguf`."""
    from tests.fakes.rerankers import write_encoder

    return write_encoder(tmp_path_factory.mktemp("models") / "ranker.gguf", embedding_model)


@pytest.fixture(scope="session")
def large_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random model with 70,000 tokens."""
    return write_random_model(tmp_path_factory.mktemp("models") / "large.gguf", size=70_000)


@pytest.fixture(scope="session")
def swa_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of which one layer in two looks back over 32 tokens only."""
    return write_random_memory(tmp_path_factory.mktemp("models") / "swa.gguf", "swa")


@pytest.fixture(scope="session")
def recurrent_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model that keeps one state for a whole sequence."""
    return write_random_memory(tmp_path_factory.mktemp("models") / "recurrent.gguf", "recurrent")


@pytest.fixture(scope="session")
def hybrid_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with a state in one layer and a KV cache in the other."""
    return write_random_memory(tmp_path_factory.mktemp("models") / "hybrid.gguf", "hybrid")


@pytest.fixture(scope="session")
def vision_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """Return a function that gives a random model that sees or hears, and its projector."""

    @cache
    def files_of(kind: str) -> tuple[Path, Path]:
        return write_random_vision(tmp_path_factory.mktemp(kind), kind)

    return files_of
