from __future__ import annotations

import socket

from llmd.protocol import codec
from llmd.protocol.frames import Batch, Cancel, Stop
from llmd.runtime.channel import Channel


def test_reads_frames_until_the_other_end_closes() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    data = codec.pack(Cancel(1)) + codec.pack(Stop())
    theirs.sendall(data[:5])
    theirs.sendall(data[5:])
    theirs.shutdown(socket.SHUT_WR)
    assert list(channel.frames()) == [Cancel(1), Stop()]
    channel.flush()
    ours.close()
    theirs.close()


def test_writes_in_order_and_flush_waits_for_all_of_it() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    for step in range(50):
        channel.send(Batch(step, []))
    channel.flush()
    ours.close()
    unpacker = codec.from_worker()
    received = []
    while data := theirs.recv(1 << 16):
        received += list(unpacker.feed(data))
    assert received == [Batch(step, []) for step in range(50)]
    theirs.close()


def test_a_daemon_that_is_gone_does_not_disturb_the_sender() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    channel = Channel(ours)
    channel.send(Batch(1, []))
    channel.send(Batch(2, []))
    channel.flush()
    ours.close()
