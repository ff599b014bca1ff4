from __future__ import annotations

from typing import Annotated, get_args, get_origin

import typer

from llmd.cli import options
from llmd.cli.completing.kinds import Kind


def declared() -> dict[str, typer.models.ParameterInfo]:
    return {
        name: get_args(value)[1]
        for name, value in vars(options).items()
        if get_origin(value) is Annotated
    }


def test_everything_shared_says_what_it_is_for() -> None:
    assert len(declared()) > 15
    assert all(info.help for info in declared().values())


def test_names_of_models_adapters_and_sessions_can_be_completed() -> None:
    kinds = {
        name: info.autocompletion.__self__
        for name, info in declared().items()
        if info.autocompletion
    }
    assert kinds["Model"] is kinds["ModelName"] is Kind.MODELS
    assert kinds["OptionalLoadedName"] is Kind.LOADED
    assert kinds["Adapters"] is Kind.ADAPTERS
    assert kinds["Session"] is Kind.SESSIONS


def test_choices_are_those_of_the_daemon() -> None:
    from llmd.protocol.questions import Pooling
    from llmd.protocol.requests import Overflow

    assert {choice.value for choice in options.OverflowChoice} == {one.value for one in Overflow}
    assert {choice.value for choice in options.PoolingChoice} < {one.value for one in Pooling}
