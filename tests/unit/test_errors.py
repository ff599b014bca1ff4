from __future__ import annotations

import json

import pytest

from llmd.errors import (
    ContextOverflow,
    InvalidRequest,
    LlmdError,
    ModelNotFound,
    QueueFull,
    WorkerDied,
    code_status,
    from_wire,
)


def every_class(root: type[LlmdError] = LlmdError) -> list[type[LlmdError]]:
    kinds = [root, *(kind for child in root.__subclasses__() for kind in every_class(child))]
    return [kind for kind in kinds if kind.__module__ == "llmd.errors"]


@pytest.mark.parametrize("kind", every_class())
def test_every_error_comes_back_from_the_wire_as_the_same_class(kind: type[LlmdError]) -> None:
    sent = kind("It broke.", hint="Mend it.", param="model", needed=3, names=["a"])
    received = from_wire(json.loads(json.dumps(sent.to_wire())))
    assert type(received) is kind
    assert received.to_wire() == sent.to_wire()
    assert (received.code, received.status) == (sent.code, sent.status)


def test_the_text_of_an_error_ends_with_what_to_do() -> None:
    assert (
        str(ModelNotFound("There is no model x.", hint="Did you mean y?"))
        == "There is no model x. Did you mean y?"
    )
    assert str(ModelNotFound("There is no model x.")) == "There is no model x."


def test_details_are_kept_as_figures() -> None:
    error = ContextOverflow("too long", needed=10, available=4)
    assert error.details == {"needed": 10, "available": 4}


def test_retry_after_is_known_only_where_it_was_given() -> None:
    assert QueueFull("full", retry_after=3).retry_after == 3
    assert QueueFull("full").retry_after is None


def test_retry_after_survives_the_wire() -> None:
    assert from_wire(QueueFull("full", retry_after=2.0).to_wire()).retry_after == 2


def test_an_unknown_code_becomes_a_plain_error_that_keeps_its_words() -> None:
    error = from_wire({"code": "from_the_future", "message": "what now", "hint": None})
    assert type(error) is LlmdError
    assert error.message == "what now"
    assert error.hint == ""


def test_an_empty_dict_is_no_crash() -> None:
    assert str(from_wire({})) == ""


def test_kinds_are_told_apart_by_their_base() -> None:
    assert issubclass(ContextOverflow, InvalidRequest)
    assert not issubclass(WorkerDied, InvalidRequest)
    assert all(400 <= kind.status < 600 for kind in every_class())


def test_a_code_has_the_status_of_its_class() -> None:
    assert all(code_status(kind.code) == kind.status for kind in every_class())
    assert code_status("from_the_future") == 500
