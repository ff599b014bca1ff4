"""From fetched files to a registered model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from llmd.errors import CorruptFile, UnsupportedArchitecture
from llmd.models.ordering import Order
from llmd.models.registration import name_of, register
from llmd.models.sources.lines import Fetched
from llmd.models.store import ModelStore
from llmd.protocol.models import Preset, SamplingDefaults
from llmd.protocol.placement import LoadOptions
from tests.fakes.gguf import write
from tests.fakes.random_adapter import write_adapter

ORDER = Order(
    "ollama", ("m", "", "/models"), "m", sampling=SamplingDefaults(temperature=0.6, top_k=5)
)


@pytest.fixture
def store(tmp_path: Path, tiny_model: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", tiny_model)


def fetched(path: Path, **more: object) -> Fetched:
    return Fetched([str(path)], "acme/m", "main", "Q8_0", fresh=True, **more)  # type: ignore[arg-type]


def test_what_the_source_gave_along_is_kept(store: ModelStore, tmp_path: Path) -> None:
    path = write(tmp_path / "m.gguf")
    given = fetched(
        path,
        name="m:1b",
        source="ollama://m:1b",
        digests={str(path): "ab" * 32},
        preset=Preset(system="Be brief.", sampling=SamplingDefaults(temperature=0.1)),
        options=LoadOptions(context_length=512),
    )
    model = register(store, ORDER, given)
    assert (model.name, model.source, model.owned) == ("m:1b", "ollama://m:1b", True)
    assert model.digests == {str(path): "ab" * 32}
    assert model.preset.system == "Be brief."
    assert model.options.context_length == 512


def test_the_sources_sampling_lies_over_the_catalogues(store: ModelStore, tmp_path: Path) -> None:
    own = Preset(sampling=SamplingDefaults(temperature=0.1))
    model = register(store, ORDER, fetched(write(tmp_path / "m.gguf"), preset=own))
    assert (model.preset.sampling.temperature, model.preset.sampling.top_k) == (0.1, 5)


def test_names_come_from_the_order_the_source_or_the_repository(tmp_path: Path) -> None:
    plain = fetched(tmp_path / "m")
    assert name_of(ORDER, plain) == "acme/m:Q8_0"
    assert name_of(ORDER, fetched(tmp_path / "m", name="m:1b")) == "m:1b"
    assert name_of(Order("ollama", (), "x", name="alias"), plain) == "alias"


@pytest.mark.parametrize(
    ("values", "kind"),
    [({"general.architecture": "hovercraft"}, UnsupportedArchitecture), (None, CorruptFile)],
)
def test_what_cannot_be_served_does_not_stay(
    store: ModelStore, tmp_path: Path, values: dict[str, str] | None, kind: type
) -> None:
    path = write(tmp_path / "m.gguf", values) if values else tmp_path / "m.gguf"
    if not values:
        path.write_bytes(b"GGUF")
    with pytest.raises(kind):
        register(store, ORDER, fetched(path))
    assert not path.exists()
    assert len(store.list()) == 1


def test_a_projector_that_does_not_fit_is_left_out(store: ModelStore, tmp_path: Path) -> None:
    path, projector = write(tmp_path / "m.gguf"), write(tmp_path / "mmproj.gguf")
    assert register(store, ORDER, fetched(path, projector=str(projector))).projector == ""


def test_adapters_come_along_if_they_fit(
    store: ModelStore, tmp_path: Path, tiny_model: Path
) -> None:
    path = Path(shutil.copy(tiny_model, tmp_path / "m.gguf"))
    fitting = write_adapter(tmp_path / "fits.gguf", tiny_model)
    model = register(store, ORDER, fetched(path, adapters=[str(fitting)]))
    assert [(one.name, one.path, one.default) for one in model.adapters] == [
        ("fits", str(fitting), True)
    ]
    other = write_adapter(tmp_path / "other.gguf", tiny_model, architecture="gemma3")
    with pytest.raises(UnsupportedArchitecture):
        register(store, ORDER, fetched(path, name="n", adapters=[str(other)]))
