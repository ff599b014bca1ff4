from __future__ import annotations

import socket
import threading

from llmd.protocol import codec
from llmd.protocol.frames import Batch, Cancel, FromWorker, Log, Stop
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


def test_a_daemon_that_does_not_read_holds_up_nobody_and_misses_nothing() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    frames = [Log("info", f"{number} " + "x" * 50_000) for number in range(100)]
    for frame in frames[:50]:
        channel.send(frame)
    unpacker, received = codec.from_worker(), list[FromWorker]()

    def read() -> None:
        while data := theirs.recv(1 << 16):
            received.extend(unpacker.feed(data))

    reader = threading.Thread(target=read)
    reader.start()
    for frame in frames[50:]:
        channel.send(frame)
    channel.flush()
    ours.shutdown(socket.SHUT_WR)
    reader.join(10)
    assert received == frames
    ours.close()
    theirs.close()


def test_frames_of_several_threads_stay_whole() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)

    def send(thread: int) -> None:
        for number in range(200):
            channel.send(Log("info", f"{thread} {number} " + "x" * 2_000))

    senders = [threading.Thread(target=send, args=[thread]) for thread in range(3)]
    for sender in senders:
        sender.start()
    unpacker, received = codec.from_worker(), list[str]()
    while len(received) < 600:
        received += [
            frame.text for frame in unpacker.feed(theirs.recv(1 << 12)) if isinstance(frame, Log)
        ]
    for thread in range(3):
        mine = [text.split()[1] for text in received if text.startswith(f"{thread} ")]
        assert mine == [str(number) for number in range(200)]
    channel.flush()
    ours.close()
    theirs.close()


def test_a_daemon_that_is_gone_does_not_disturb_the_sender() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    channel = Channel(ours)
    channel.send(Batch(1, []))
    channel.send(Batch(2, []))
    channel.flush()
    ours.close()
