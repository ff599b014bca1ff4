from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.constraints import Choice, Constraint, Grammar, Json, Proposal, Regex


@pytest.mark.parametrize(
    "constraint",
    [Json(), Json({"type": "object"}), Json(schema=True), Regex("a+"), Choice(["a"]), Grammar("x")],
    ids=str,
)
def test_constraints_are_told_apart_by_their_tag(constraint: Constraint) -> None:
    packed = msgspec.msgpack.encode(constraint)
    assert msgspec.msgpack.decode(packed, type=Constraint) == constraint


def test_a_grammar_of_another_syntax_is_refused() -> None:
    packed = msgspec.msgpack.encode({"type": "grammar", "text": "x", "syntax": "antlr"})
    with pytest.raises(msgspec.ValidationError, match="antlr"):
        msgspec.msgpack.decode(packed, type=Constraint)


def test_a_proposal_survives_as_json() -> None:
    proposal = Proposal(Json({"enum": ["中", 1.5, None]}), "tool")
    assert msgspec.json.decode(msgspec.json.encode(proposal), type=Proposal) == proposal
