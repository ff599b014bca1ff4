from __future__ import annotations

import msgspec

from llmd.protocol.feed import Snapshot
from tests.unit.server.conftest import Connect


async def test_the_feed_says_how_everything_stands_until_the_watcher_leaves(
    connect: Connect,
) -> None:
    client = await connect()
    answer = await client.get("/control/feed")
    assert answer.content_type == "application/x-ndjson"
    snapshot = msgspec.json.decode(await answer.content.readline(), type=Snapshot)
    assert snapshot.status.state == "running"
    assert snapshot.models == []
    answer.close()


async def test_a_request_that_is_not_there_cannot_be_cancelled(connect: Connect) -> None:
    client = await connect()
    answer = await client.post("/control/requests/cancel", json={"id": 7})
    assert answer.status == 404
    assert (await answer.json())["error"]["message"] == "No request 7 is under way."


async def test_the_feed_is_not_to_be_had_over_tcp(connect: Connect) -> None:
    assert (await (await connect(tcp=True)).get("/control/feed")).status == 404
