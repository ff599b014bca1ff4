from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.protocol.placement import LoadOptions
from llmd.server.web.load_fields import LoadFields, lifetime, shown

OPTIONS = LoadOptions(
    context_length=4096,
    kv_type="q8_0",
    gpu_layers=-1,
    mlock=False,
    pinned=True,
    keep_alive=600.0,
    tensor_split=[3.0, 1.5],
)


def test_a_form_that_was_left_empty_says_nothing() -> None:
    assert LoadFields(name="m").options == LoadOptions()


def test_a_form_shows_options_as_it_would_send_them() -> None:
    told = {name: text for name, text in shown(OPTIONS).items() if text}
    assert told == {
        "context_length": "4096",
        "kv_type": "q8_0",
        "gpu_layers": "-1",
        "mlock": "false",
        "pinned": "true",
        "keep_alive": "10m",
        "tensor_split": "3,1.5",
    }
    assert set(shown(OPTIONS)) == set(LoadOptions.__struct_fields__)


def test_what_is_typed_becomes_options() -> None:
    fields = LoadFields(
        name="m",
        context_length=4096,
        kv_type="q8_0",
        gpu_layers=-1,
        mlock=False,
        pinned=True,
        keep_alive="10m",
        tensor_split="3, 1.5",
    )
    assert fields.options == OPTIONS


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"keep_alive": "soon"}, "keep_alive"),
        ({"tensor_split": "a,b"}, "tensor_split"),
        ({"tensor_split": "-1,2"}, "tensor_split"),
        ({"tensor_split": "0,0"}, "tensor_split"),
    ],
)
def test_what_cannot_be_read_is_named(fields: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        _ = LoadFields(name="m", **fields).options
    assert refusal.value.param == param


@pytest.mark.parametrize(("text", "seconds"), [("", None), ("-1", -1.0), ("5m", 300.0)])
def test_how_long_a_model_stays_is_read_as_people_write_it(
    text: str, seconds: float | None
) -> None:
    assert lifetime(text) == seconds
