from __future__ import annotations

import msgspec

from llmd.models.gguf.facts import Facts, Layer, Weights


def facts(*layers: Layer) -> Facts:
    return Facts(
        architecture="a",
        size=0,
        parameters=0,
        active_parameters=0,
        context_length=0,
        width=0,
        output_width=0,
        vocabulary=0,
        layers=list(layers),
        input=Weights(size=5),
        output=Weights(size=7),
    )


def test_a_model_with_states_and_cells_is_a_hybrid() -> None:
    attending, keeping = Layer(cached_keys=8), Layer(state=8)
    assert facts(attending, keeping).hybrid
    assert not facts(keeping).hybrid
    assert facts(keeping).recurrent
    assert not facts(attending).recurrent


def test_weights_are_those_of_all_parts() -> None:
    layer = Layer(dense=Weights(size=10), experts=Weights(size=100))
    assert facts(layer, layer).weights == 232


def test_facts_travel_as_json() -> None:
    found = facts(Layer(cached_keys=8, dense=Weights(types={"F32": 4})))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Facts) == found
