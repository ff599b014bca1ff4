from __future__ import annotations

from typing import get_args

import msgspec

from llmd.protocol.questions import Question, Reply
from tests.unit.protocol.conftest import QUESTIONS, REPLIES


def test_every_question_and_reply_has_a_tag_of_its_own_and_an_example() -> None:
    for union, examples in ((Question, QUESTIONS), (Reply, REPLIES)):
        kinds = get_args(union)
        assert len({kind.__struct_config__.tag for kind in kinds}) == len(kinds)
        assert {type(example) for example in examples} == set(kinds)


def test_questions_and_replies_come_back_as_they_were() -> None:
    for union, examples in ((Question, QUESTIONS), (Reply, REPLIES)):
        for example in examples:
            assert msgspec.msgpack.decode(msgspec.msgpack.encode(example), type=union) == example
