"""Surveys survive the way to the command line and back."""

from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.adoption import Failure, Finding, Place, Searched, Standing, Survey, Tool


def test_a_survey_crosses_as_json() -> None:
    survey = Survey(
        [
            Finding(
                tool=Tool.LM_STUDIO,
                path="/模型/m.gguf",
                standing=Standing.NEW,
                name="m",
                size=2**40,
            )
        ],
        [Searched(tool=Tool.OLLAMA, directory="/o", trouble="Permission denied")],
    )
    assert msgspec.json.decode(msgspec.json.encode(survey), type=Survey) == survey
    assert msgspec.json.decode(msgspec.json.encode(Failure("m", "why")), type=Failure).name == "m"


def test_places_of_unknown_tools_are_refused() -> None:
    assert msgspec.convert({"tool": "llama.cpp", "directory": "/x"}, Place).tool is Tool.LLAMA_CPP
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"tool": "winzip", "directory": "/x"}, Place)
