from __future__ import annotations

import msgspec
import pytest
import typer

from llmd.cli.placing import FIELDS, given
from llmd.protocol.placement import LoadOptions


def test_the_options_are_those_of_the_protocol() -> None:
    assert set(FIELDS) == set(LoadOptions.__struct_fields__)


def test_what_was_not_given_is_left_out_and_the_rest_is_as_the_daemon_takes_it() -> None:
    found = given({"model": "m", "kv_type": None, "keep_alive": "-1", "tensor_split": "3,1"})
    assert found == {"keep_alive": -1.0, "tensor_split": [3.0, 1.0]}
    assert msgspec.convert(found, LoadOptions).tensor_split == [3.0, 1.0]


@pytest.mark.parametrize(
    "wrong", [{"keep_alive": "soon"}, {"tensor_split": "a,b"}, {"tensor_split": "0,0"}]
)
def test_what_cannot_be_read_is_wrong_usage(wrong: dict[str, str]) -> None:
    with pytest.raises(typer.BadParameter):
        given(wrong)
