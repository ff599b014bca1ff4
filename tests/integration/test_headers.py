"""What is read from headers is what llama.cpp finds when it loads the same files, and what the
command line shows.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llmd.engine.bindings import Context, ContextShape, Model, start_backend
from llmd.models.gguf.caching import cache_size
from llmd.models.gguf.description import Sort
from llmd.models.gguf.inspection import inspect
from llmd.models.gguf.reading import read_model
from tests.fakes.random_prediction import write_random_prediction
from tests.fakes.rerankers import write_decoder
from tests.integration.conftest import Daemon, MakeDaemon

_BUFFERS = re.compile(r"(?:KV|RS) buffer size = +([0-9.]+) MiB")
_CELLS = 4096
_SEQUENCES = 3


@pytest.fixture(
    params=["tiny", "embedding", "swa", "recurrent", "hybrid", "tiled", "mrope", "rank", "predict"]
)
def model_file(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    vision_files: Callable[[str], tuple[Path, Path]],
) -> Path:
    """Every model that other tests load."""
    kind = request.param
    if kind in {"tiled", "mrope"}:
        return vision_files(kind)[0]
    if kind == "rank":
        return write_decoder(tmp_path / "rank.gguf")
    if kind == "predict":
        return write_random_prediction(tmp_path / "predict.gguf", "faithful")
    path = request.getfixturevalue(f"{kind}_model")
    assert isinstance(path, Path)
    return path


def test_llama_cpp_finds_what_the_header_told(model_file: Path) -> None:
    log: list[str] = []
    start_backend(lambda _, text: log.append(text))
    facts = read_model(model_file).facts
    model = Model.load(str(model_file), gpu_layers=0, progress=lambda _: None, prediction=True)
    assert model
    assert inspect(model_file).parameters == facts.parameters
    assert facts.weights == model.size
    assert facts.context_length == model.trained_context
    assert len(facts.layers) == model.layers + model.prediction_layers
    assert facts.prediction_layers == model.prediction_layers
    assert facts.window == model.swa_window
    assert facts.vocabulary == model.vocab.size
    assert facts.output_width == model.width
    assert facts.recurrent == (model.is_recurrent or model.is_hybrid)
    assert facts.hybrid == model.is_hybrid
    shape = ContextShape(
        tokens=_CELLS,
        sequences=_SEQUENCES,
        batch=64,
        micro_batch=64,
        threads=1,
        flash_attention="on",
    )
    log.clear()
    context = Context.create(model, shape)
    assert context
    buffers = [float(found) for found in _BUFFERS.findall("".join(log))]
    expected = cache_size(facts, _CELLS, "f16", _SEQUENCES) / 2**20
    assert sum(buffers) == pytest.approx(expected, abs=0.005 * len(buffers) + 0.001)
    context.close()
    model.close()


def test_projectors_are_told_from_models(
    vision_files: Callable[[str], tuple[Path, Path]],
) -> None:
    model, projector = vision_files("tiled")
    assert read_model(model).description.sort is Sort.MODEL
    assert read_model(projector).description.sort is Sort.PROJECTOR


def show(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `llmd show`."""
    return subprocess.run(
        [sys.executable, "-m", "llmd", "show", *arguments],
        env=daemon.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_shows_files_and_models(
    make_daemon: MakeDaemon, swa_model: Path, tmp_path: Path
) -> None:
    daemon = make_daemon()
    assert "WEIGHTS BY TYPE" in show(daemon, "llmd-tiny").stdout
    shown = show(daemon, str(swa_model))
    assert "32 tokens, 1 of 2 layers" in shown.stdout
    assert "not registered" in shown.stdout
    card = json.loads(show(daemon, str(swa_model), "--json").stdout)
    assert [layer["windowed"] for layer in card["facts"]["layers"]] == [True, False]
    (tmp_path / "broken.gguf").write_bytes(swa_model.read_bytes()[:5000])
    broken = show(daemon, str(tmp_path / "broken.gguf"))
    assert broken.returncode == 1
    assert "broken.gguf is" in broken.stderr
