"""Presets as TOML: what is read, and what is refused with its line."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.errors import InvalidRequest
from llmd.models.presets.recipe import AdapterWish
from llmd.models.presets.tables import LONGEST, is_toml, read_changes, read_toml
from llmd.protocol.models import SamplingDefaults, Turn
from llmd.protocol.placement import LoadOptions

WHOLE = """
from = "qwen3-4b"
system = "你是海盗。"
template_file = "chat.jinja"
draft = "qwen3-0.6b"
license = "MIT"

[sampling]
temperature = 0
stop = ["###", "END"]
max_tokens = 300

[options]
context_length = 16384
keep_alive = "30m"
kv_type = "q8_0"
tensor_split = [1, 2.5]

[[adapters]]
path = "style.gguf"
scale = 0.5

[[messages]]
role = "user"
content = "Hello"
[[messages]]
role = "assistant"
content = "Ahoy"
"""


def test_a_whole_preset_is_read() -> None:
    recipe = read_toml(WHOLE)
    assert recipe.base == "qwen3-4b"
    assert recipe.system == "你是海盗。"
    assert recipe.template_file == "chat.jinja"
    assert (recipe.draft, recipe.license) == ("qwen3-0.6b", "MIT")
    assert recipe.sampling == SamplingDefaults(temperature=0.0, stop=["###", "END"], max_tokens=300)
    assert recipe.options == LoadOptions(
        context_length=16384, keep_alive=1800.0, kv_type="q8_0", tensor_split=[1.0, 2.5]
    )
    assert recipe.adapters == [AdapterWish(path="style.gguf", scale=0.5)]
    assert recipe.messages == [Turn("user", "Hello"), Turn("assistant", "Ahoy")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('from = "x"\ntemprature = 1', "line 2: there is no key temprature"),
        ('from = "x"\n[sampling]\n\ntemperature = 9', "line 4: Expected `float` <= 5.0"),
        ("[sampling]\ntop_p = 1.5", "line 2: "),
        ("[sampling]\ntemperature = nan", "line 2: "),
        ("[sampling]\nseed = -1", "line 2: "),
        ("[sampling]\nmax_tokens = 0", "line 2: "),
        ('[sampling]\nstop = [""]', "line 2: "),
        ('[sampling]\nstop = "x"', "line 2: "),
        ('# a\n[options]\nkeep_alive = "soon"', "line 3: expected a duration"),
        ('[options]\nkv_type = "q5"', "line 2: "),
        ("[options]\ncontext_length = true", "line 2: "),
        ('[[adapters]]\npath = "a"\n[[adapters]]\nscale = 2', "line 3: path is missing"),
        ('[[adapters]]\npath = "a"\nscale = 200', "line 3: "),
        (
            '[[messages]]\nrole = "user"\ncontent = "a"\n[[messages]]\nrole = "bot"\ncontent = "b"',
            "line 5: ",
        ),
        ("sampling = 3", "line 1: "),
        ("system = 3", "line 1: "),
        ('template = "a"\ntemplate_file = "b"', "exclude each other"),
        ("x = [", "no TOML"),
        ("FROM x", "no TOML"),
        ("a = " + "[" * 5000, "too deeply|no TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as failure:
        read_toml(text)
    assert failure.value.param == "file"


def test_an_endless_file_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="at most"):
        read_toml("#" * (LONGEST + 1))


def test_flags_name_the_field_that_is_wrong() -> None:
    with pytest.raises(InvalidRequest) as failure:
        read_changes({"sampling": {"temperature": 7}})
    assert failure.value.param == "sampling.temperature"
    with pytest.raises(InvalidRequest) as failure:
        read_changes({"colour": "red"})
    assert failure.value.param == "colour"


def test_toml_is_told_from_other_texts() -> None:
    assert is_toml('from = "x"')
    assert not is_toml("FROM x")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidRequest):
        assert read_toml(text).notes == []
