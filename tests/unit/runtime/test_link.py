from __future__ import annotations

import asyncio
import socket

from llmd.protocol import codec
from llmd.protocol.frames import Batch, Cancel
from llmd.runtime.link import Link


async def test_frames_go_both_ways() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    link = await Link.open(ours)
    link.send(Cancel(7))
    loop = asyncio.get_running_loop()
    theirs.setblocking(False)
    assert list(codec.to_worker().feed(await loop.sock_recv(theirs, 1000))) == [Cancel(7)]
    await loop.sock_sendall(theirs, codec.pack(Batch(1, [])) + codec.pack(Batch(2, [])))
    theirs.close()
    assert [frame async for frame in link.frames()] == [Batch(1, []), Batch(2, [])]
    link.close()
    link.send(Cancel(8))  # nobody is there, nothing happens
