from __future__ import annotations

import itertools
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.config.document import with_value, without

WRITTEN = """\
# Everything about this machine.

  [ "server" ]   # who listens
  host = '0.0.0.0'   # everybody

  # not the usual one
  port=8_000\t# of two

[log]
# level = "debug"
prompts = false


# for the large ones
[pool]
max_loaded = 2
"""


def test_only_the_value_itself_changes() -> None:
    assert with_value(WRITTEN, "server", "port", 81) == WRITTEN.replace("8_000", "81")
    assert with_value(WRITTEN, "log", "prompts", value=True) == WRITTEN.replace("false", "true")


def test_only_the_line_of_a_value_goes() -> None:
    lines = "  port=8_000\t# of two\n"
    assert without(WRITTEN, "server", "port") == WRITTEN.replace(lines, "")


def test_a_value_that_stands_there_is_not_spelled_otherwise() -> None:
    assert with_value(WRITTEN, "server", "port", 8000) == WRITTEN
    assert with_value("[server]\nport = 1.0\n", "server", "port", 1) == "[server]\nport = 1\n"
    assert with_value("[log]\nprompts = 1\n", "log", "prompts", True) == "[log]\nprompts = true\n"


def test_a_new_value_follows_the_last_of_its_section_as_far_in() -> None:
    last = "  port=8_000\t# of two\n"
    assert with_value(WRITTEN, "server", "drain_timeout", "5s") == WRITTEN.replace(
        last, last + '  drain_timeout = "5s"\n'
    )


def test_a_key_that_is_commented_out_stays_so() -> None:
    assert with_value(WRITTEN, "log", "level", "info") == WRITTEN.replace(
        "prompts = false\n", 'prompts = false\nlevel = "info"\n'
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "[server]\nport = 81\n", id="nothing"),
        pytest.param("\n\n", "\n\n[server]\nport = 81\n", id="blank lines"),
        pytest.param("# x\n# y", "# x\n# y\n\n[server]\nport = 81", id="comments alone"),
        pytest.param(
            "[pool]\nturn = 1\n", "[pool]\nturn = 1\n\n[server]\nport = 81\n", id="no section"
        ),
        pytest.param(
            "[server] # x\n# y\n\n# z\n[pool]\n",
            "[server] # x\nport = 81\n# y\n\n# z\n[pool]\n",
            id="an empty section",
        ),
        pytest.param(
            "[server]\nhost = 'a'",
            "[server]\nhost = 'a'\nport = 81",
            id="no end of the last line",
        ),
        pytest.param(
            "[server]\nhost = 'a'\n[server.x]\ny = 1\n[pool]\n",
            "[server]\nhost = 'a'\nport = 81\n[server.x]\ny = 1\n[pool]\n",
            id="a table below",
        ),
        pytest.param(
            "[server]\n[[server.x]]\ny = 1\n[[server.x]]\n",
            "[server]\nport = 81\n[[server.x]]\ny = 1\n[[server.x]]\n",
            id="an array of tables below",
        ),
        pytest.param(
            "[server.x]\ny = 1\n",
            "[server.x]\ny = 1\n\n[server]\nport = 81\n",
            id="only a table below",
        ),
        pytest.param(
            "server.host = 'a' # x\npool.turn = 1\n\n# y\n[log]\n",
            "server.host = 'a' # x\nserver.port = 81\npool.turn = 1\n\n# y\n[log]\n",
            id="dotted keys",
        ),
        pytest.param(
            "server.host = 'a'\npool.turn = 1\nserver.x = 2",
            "server.host = 'a'\npool.turn = 1\nserver.x = 2\nserver.port = 81",
            id="scattered dotted keys",
        ),
        pytest.param(
            "server = { host = 'a' } # x\n",
            "server = { host = 'a', port = 81 } # x\n",
            id="a table in braces",
        ),
        pytest.param("server={host='a'}", "server={host='a', port = 81}", id="narrow braces"),
        pytest.param("server = {}", "server = {port = 81}", id="empty braces"),
    ],
)
def test_a_new_value_is_written_as_its_section_is(before: str, after: str) -> None:
    assert with_value(before, "server", "port", 81) == after
    crlf = before.replace("\n", "\r\n")
    if crlf != before:
        assert with_value(crlf, "server", "port", 81) == after.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("before", "changed", "less"),
    [
        pytest.param(
            "server.port = 1 # x\npool.turn = 1\nserver.host = 'a'\n",
            "server.port = 81 # x\npool.turn = 1\nserver.host = 'a'\n",
            "pool.turn = 1\nserver.host = 'a'\n",
            id="dotted keys",
        ),
        pytest.param(
            "server = { host = 'a', port = 1 } # x\n",
            "server = { host = 'a', port = 81 } # x\n",
            "server = { host = 'a' } # x\n",
            id="a table in braces",
        ),
        pytest.param(
            "server = {port = 1 , host = 'a'}",
            "server = {port = 81 , host = 'a'}",
            "server = {host = 'a'}",
            id="first in braces",
        ),
        pytest.param(
            "server={port=1}\n", "server={port=81}\n", "server={}\n", id="alone in braces"
        ),
        pytest.param(
            "server = { host = 'a', port = {x = 1} }\n",
            "server = { host = 'a', port = 81 }\n",
            "server = { host = 'a' }\n",
            id="braces where a value should be",
        ),
        pytest.param(
            "[server]# x\n# y\n'port'  =  1\n",
            "[server]# x\n# y\n'port'  =  81\n",
            "[server]# x\n# y\n",
            id="the last of a section",
        ),
        pytest.param(
            "[server.x]\ny = 1\n[server]\nport = 1",
            "[server.x]\ny = 1\n[server]\nport = 81",
            "[server.x]\ny = 1\n[server]\n",
            id="no end of the last line",
        ),
        pytest.param(
            "[server]\nport = [\n  1, # x\n] # y\n# z\n",
            "[server]\nport = 81 # y\n# z\n",
            "[server]\n# z\n",
            id="several lines",
        ),
        pytest.param(
            "[server]\nhost = 'a'\nport.x = 1\n",
            "[server]\nhost = 'a'\nport = 81\n",
            "[server]\nhost = 'a'\n",
            id="a table where a value should be",
        ),
        pytest.param(
            "[server.port]\nx = 1\n[pool]\nturn = 1\n",
            "[pool]\nturn = 1\n\n[server]\nport = 81\n",
            "[pool]\nturn = 1\n",
            id="a section where a value should be",
        ),
        pytest.param(
            "server.port.x = 1\n",
            "[server]\nport = 81\n",
            "",
            id="dotted keys where a value should be",
        ),
    ],
)
def test_a_value_is_found_however_its_section_is_written(
    before: str, changed: str, less: str
) -> None:
    assert with_value(before, "server", "port", 81) == changed
    assert without(before, "server", "port") == less
    crlf = before.replace("\n", "\r\n")
    if crlf != before:
        assert with_value(crlf, "server", "port", 81) == changed.replace("\n", "\r\n")
        assert without(crlf, "server", "port") == less.replace("\n", "\r\n")


def test_what_is_not_there_is_not_taken_out() -> None:
    for section, field in (("server", "max_body"), ("security", "mode")):
        assert without(WRITTEN, section, field) == WRITTEN


def test_a_number_that_is_none_hinders_no_change() -> None:
    assert with_value("[a]\nx = nan\n", "a", "y", 1) == "[a]\nx = nan\ny = 1\n"


@pytest.mark.parametrize(
    "value", ['"', "'", "\\", "a\nb\r\n", "\t\x00\x7f", "你好 🙂", "# no comment", "[a]", 1e-7, -1]
)
def test_every_value_is_read_back(value: object) -> None:
    for before in ("", WRITTEN, "server = {}", "server.host = ''"):
        assert tomllib.loads(with_value(before, "server", "port", value))["server"]["port"] == value


@pytest.mark.parametrize("text", ["[server", "[a]\nx = 1\nx = 2\n", "[a]\n[a]\n", "a = 1\r[b]"])
def test_what_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"line|end of document"):
        with_value(text, "server", "port", 81)
    with pytest.raises(ValueError, match=r"line|end of document"):
        without(text, "server", "port")


def test_a_text_that_would_say_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmd.config.document._set", lambda *_: "[server]\nport = 82\n")
    with pytest.raises(ValueError, match="unusual"):
        with_value("[server]\nport = 8\n", "server", "port", 81)


COMMENTS = st.sampled_from(["", "  # x", "# é"])
BETWEEN = st.lists(st.sampled_from(["", "# x", "# a.b = 1", "  # [a]"]), max_size=3)
FIELDS = ("x", "y", "z")
VALUES = ("1", "-0.50", "'a'", '"b # c"', "true", "[ 1,2 ]", "'''\n'''")
LONGEST_VALUE = 10
LONGEST_LINE = len("  a.x  =    # x\r\n") + LONGEST_VALUE


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Return a file with three sections, each in a spelling of its own."""
    dotted, below = [], []
    for section in draw(st.permutations(["a", "b", "c"])):
        fields = draw(st.lists(st.sampled_from(FIELDS), unique=True))
        spaces = draw(st.sampled_from(["", " ", "  "]))
        pairs = [f"{field}{spaces}={spaces}{draw(st.sampled_from(VALUES))}" for field in fields]
        match draw(st.sampled_from(["dotted", "braces", "head"])):
            case "dotted":
                dotted += [[f"{section}.{pair}{draw(COMMENTS)}"] for pair in pairs]
            case "braces":
                dotted.append(
                    [f"{section} = {{{spaces}{', '.join(pairs)}{spaces}}}{draw(COMMENTS)}"]
                )
            case _:
                below += [*draw(BETWEEN), f"[{section}]{draw(COMMENTS)}"]
                for pair in pairs:
                    below += [*draw(BETWEEN), f"{spaces}{pair}{draw(COMMENTS)}"]
    lines = [line for some in draw(st.permutations(dotted)) for line in [*draw(BETWEEN), *some]]
    text = "\n".join([*lines, *below, *draw(BETWEEN)]) + draw(st.sampled_from(["", "\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def shared(one: str, other: str) -> int:
    """Count the characters that two texts begin and end with alike."""
    begin = same(one, other)
    return begin + same(one[begin:][::-1], other[begin:][::-1])


def same(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


@given(texts(), st.sampled_from("abcd"), st.sampled_from(FIELDS), st.sampled_from([5, "v", True]))
def test_all_but_one_place_stays_byte_for_byte(
    text: str, section: str, field: str, value: object
) -> None:
    there = field in tomllib.loads(text).get(section, {})
    changed = with_value(text, section, field, value)
    assert tomllib.loads(changed)[section][field] == value
    assert shared(text, changed) >= len(text) - (LONGEST_VALUE if there else 0)
    less = without(text, section, field)
    assert field not in tomllib.loads(less).get(section, {})
    assert shared(text, less) >= len(text) - (LONGEST_LINE if there else 0)
