"""Fixtures that every test may use: the built-in model, its cases, and small models made on the
spot.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """The built-in chat model."""
    return Path(str(files("llmd") / "assets" / "llmd-tiny-q8_0.gguf"))


@pytest.fixture(scope="session")
def embedding_model() -> Path:
    """all-MiniLM-L6-v2, a real embedding model."""
    return DATA / "all-minilm-l6-v2-q4_0.gguf"
