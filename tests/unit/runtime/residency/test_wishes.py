from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.protocol.placement import LoadOptions
from llmd.runtime.residency.wishes import changes, checked, enlarged, given, merged, unmet

LOADED = LoadOptions(context_length=4096, parallel=2, kv_type="f16", gpu_layers=0)


def test_later_layers_win_and_silence_changes_nothing() -> None:
    both = merged(LoadOptions(parallel=1, mlock=True), LoadOptions(parallel=2), LoadOptions())
    assert given(both) == {"parallel": 2, "mlock": True}


@pytest.mark.parametrize(
    ("options", "param"),
    [
        (LoadOptions(kv_type="q2"), "kv_type"),
        (LoadOptions(parallel=0), "parallel"),
        (LoadOptions(parallel=257), "parallel"),
        (LoadOptions(instances=0), "instances"),
        (LoadOptions(keep_alive=-3.0), "keep_alive"),
        (LoadOptions(flash_attention="maybe"), "flash_attention"),
    ],
)
def test_an_option_that_cannot_be_is_named(options: LoadOptions, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked(options)
    assert caught.value.param == param


def test_good_options_pass() -> None:
    options = LoadOptions(context_length=8, gpu_layers=-1, keep_alive=0.0, kv_type="q8_0")
    assert checked(options) is options


def test_a_first_request_gets_a_longer_context_but_nobody_a_shorter_one() -> None:
    own = LoadOptions()
    assert enlarged(own, LoadOptions(context_length=512), 2048, 8192) == own
    assert enlarged(own, LoadOptions(context_length=4096), 2048, 8192).context_length == 4096
    assert enlarged(own, LoadOptions(context_length=10**6), 2048, 8192).context_length == 8192
    ordered = LoadOptions(context_length=1024)
    assert enlarged(ordered, LoadOptions(context_length=2048), 512, 8192).context_length == 2048
    assert enlarged(own, LoadOptions(keep_alive=5.0), 2048, 8192) == own


def test_what_a_loaded_model_does_not_fulfil_is_named() -> None:
    assert unmet(LoadOptions(context_length=4096, parallel=2), LOADED, 8192) == []
    assert unmet(LoadOptions(context_length=5000), LOADED, 8192) == ["context_length"]
    assert unmet(LoadOptions(context_length=100_000), LOADED, 4096) == [], "it has all there is"
    assert unmet(LoadOptions(kv_type="q8_0", keep_alive=0.0), LOADED, 8192) == ["kv_type"]


def test_an_order_changes_only_what_it_names_otherwise() -> None:
    assert changes(LoadOptions(context_length=4096, pinned=True), LOADED) == []
    assert changes(LoadOptions(context_length=2048, mlock=True), LOADED) == [
        "context_length",
        "mlock",
    ]
