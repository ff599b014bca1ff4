from __future__ import annotations

from typing import Any

import pytest

from llmd.cli.completing.grammar import Want, wanted

HELP = {"names": ["--help"], "help": "Help"}
RUN = {
    "help": "Answer",
    "options": [
        {"names": ["--model", "-m"], "help": "Model", "takes": True, "kind": "models"},
        {"names": ["--stop"], "help": "End", "takes": True, "many": True},
        {"names": ["--overflow"], "help": "", "takes": True, "choices": ["error", "shift"]},
        {"names": ["--json", "-j"], "help": "JSON"},
        HELP,
    ],
    "arguments": [{"many": True}],
}
RM = {"help": "Remove", "options": [], "arguments": [{"kind": "models", "many": True}]}
SET = {"help": "", "options": [], "arguments": [{"kind": "settings"}, {"kind": "values"}]}
ROOT: dict[str, Any] = {
    "help": "",
    "options": [{"names": ["--quiet", "-q"], "help": "Hush"}, HELP],
    "arguments": [],
    "commands": {
        "run": RUN,
        "rm": RM,
        "config": {"help": "", "options": [], "arguments": [], "commands": {"set": SET}},
    },
}


def offered(*words: str) -> list[str]:
    return [word for word, _ in wanted(ROOT, words[:-1], words[-1]).offers]


def test_commands_come_first_with_what_they_do() -> None:
    assert wanted(ROOT, [], "r").offers == [("run", "Answer"), ("rm", "Remove")]
    assert offered("config", "") == ["set"]


def test_a_misspelt_command_gets_nothing() -> None:
    assert wanted(ROOT, ["rnu"], "") == Want([])


def test_options_of_the_whole_stand_before_the_command() -> None:
    assert offered("-") == ["--quiet", "--help"]
    assert offered("--quiet", "ru") == ["run"]


def test_options_are_offered_once_unless_they_may_be_repeated() -> None:
    assert offered("run", "--") == ["--model", "--stop", "--overflow", "--json", "--help"]
    assert offered("run", "-m", "x", "--stop", "y", "-j", "--") == [
        "--stop",
        "--overflow",
        "--help",
    ]


@pytest.mark.parametrize(
    ("words", "prefix", "typed"),
    [
        (("run", "--model", "qw"), "", "qw"),
        (("run", "-m", ""), "", ""),
        (("run", "-jm", "q"), "", "q"),
        (("run", "--model=qw"), "--model=", "qw"),
    ],
)
def test_a_value_is_of_the_kind_its_option_takes(
    words: tuple[str, ...], prefix: str, typed: str
) -> None:
    want = wanted(ROOT, words[:-1], words[-1])
    assert (want.kind, want.prefix, want.typed) == ("models", prefix, typed)


def test_a_value_in_the_same_word_ends_its_option() -> None:
    assert wanted(ROOT, ["run", "-mqwen"], "x").kind == ""
    assert wanted(ROOT, ["rm", "--model=x"], "").kind == "models"


def test_choices_are_offered_in_both_spellings() -> None:
    assert offered("run", "--overflow", "e") == ["error"]
    assert offered("run", "--overflow=") == ["--overflow=error", "--overflow=shift"]
    assert offered("run", "--json=") == []
    assert offered("run", "--nonsense=") == []


def test_arguments_have_kinds_by_their_place() -> None:
    assert wanted(ROOT, ["config", "set"], "se").kind == "settings"
    want = wanted(ROOT, ["config", "set", "log.level"], "")
    assert (want.kind, want.before) == ("values", ("log.level",))
    assert wanted(ROOT, ["config", "set", "a", "b"], "") == Want([])


def test_the_last_argument_may_be_given_many_times() -> None:
    assert wanted(ROOT, ["rm", "a", "b"], "c").kind == "models"


def test_behind_two_dashes_stand_no_options() -> None:
    assert offered("rm", "--", "-") == []
    assert wanted(ROOT, ["rm", "--"], "-x").kind == "models"
