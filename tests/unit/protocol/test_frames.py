from __future__ import annotations

from typing import get_args

import msgspec

from llmd.errors import QueueFull, from_wire
from llmd.protocol import frames
from llmd.protocol.frames import Failed, FromWorker, ToWorker, WorkerEvent
from tests.unit.protocol.conftest import ERROR, FROM_WORKER, TO_WORKER


def test_every_frame_has_a_tag_of_its_own() -> None:
    for union in (ToWorker, FromWorker, WorkerEvent):
        tags = [kind.__struct_config__.tag for kind in get_args(union)]
        assert len(set(tags)) == len(tags)


def test_the_examples_leave_no_kind_out() -> None:
    assert {type(frame) for frame in TO_WORKER} == set(get_args(ToWorker))
    assert {type(frame) for frame in FROM_WORKER} == set(get_args(FromWorker))


def test_every_struct_of_the_module_travels() -> None:
    travelling = {*get_args(ToWorker), *get_args(FromWorker), *get_args(WorkerEvent)}
    own = {
        kind
        for kind in vars(frames).values()
        if isinstance(kind, type) and kind.__module__ == frames.__name__
        # those without a tag travel within others
        if kind.__struct_config__.tag
    }
    assert own <= travelling


def test_frames_cannot_be_changed_under_way() -> None:
    assert all(
        kind.__struct_config__.frozen for kind in (*get_args(ToWorker), *get_args(FromWorker))
    )


def test_an_error_keeps_its_class_on_the_way() -> None:
    sent = msgspec.msgpack.encode(Failed(ERROR))
    error = from_wire(msgspec.msgpack.decode(sent, type=Failed).error)
    assert isinstance(error, QueueFull)
    assert error.retry_after == 2
