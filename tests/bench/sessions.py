"""Kept conversations among a million messages: lists, pages, histories, additions, and what others
notice when a large one is deleted.

    python -m tests.bench.sessions [--messages 1000000] [--url URL] [--file PATH]

Fills a database (a fifth of the messages in one session, the others in sessions of a hundred) and
prints the median and the slowest of each call. `--file` keeps it for another run.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from sqlalchemy import insert, select, text

from llmd.protocol.callers import USUAL, Caller
from llmd.protocol.sessions import NewMessage
from llmd.services.conversations import Conversations
from llmd.services.sessions import Sessions
from llmd.storage import Database
from llmd.storage.conversations import ConversationRepository
from llmd.storage.sessions import SessionRepository
from llmd.storage.tables.sessions import messages, sessions

OWNER = Caller(owner=True)
ANNA = Caller(user="anna", scopes=USUAL)
PER_SESSION = 100
AT_ONCE = 10_000
ANSWER = "An answer of ordinary length, in words that somebody may have said. " * 6


async def fill(database: Database, total: int) -> None:
    large = total // 5
    counts = [large] + [PER_SESSION] * ((total - large) // PER_SESSION)
    async with database.writing() as connection:
        for number, length in enumerate(counts):
            row = {
                "id": str(uuid.uuid4()),
                "owner": "anna" if number % 10 else "",
                "title": "large" if number == 0 else f"session {number}",
                "created_at": float(number),
                "updated_at": float(number),
            }
            await connection.execute(insert(sessions), row)
            named = select(sessions.c.number).where(sessions.c.id == row["id"])
            session = await connection.scalar(named)
            for start in range(0, length, AT_ONCE):
                rows = [
                    {
                        "session": session,
                        "id": str(uuid.uuid4()),
                        "role": ("user", "assistant")[place % 2],
                        "content": ANSWER,
                        "metadata_info": {},
                        "created_at": float(place),
                    }
                    for place in range(start, min(start + AT_ONCE, length))
                ]
                await connection.execute(insert(messages), rows)


async def measure(name: str, call: Callable[[], Awaitable[object]], rounds: int = 20) -> None:
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        await call()
        took.append((time.perf_counter() - start) * 1000)
    print(f"{name:58} {statistics.median(took):9.2f} ms {max(took):9.2f} ms")


async def leaves(service: Sessions, conversations: Conversations, large: str, last: int) -> None:
    """What the chat page reads."""
    leaf = conversations.leaf
    await measure("page, newest 60 of the large one", lambda: leaf(OWNER, large))
    for share, name in ((0.99, "near the end"), (0.5, "in the middle"), (0.01, "near the start")):
        before = (await service.messages(OWNER, large, int(last * share), 1))[0].id
        await measure(f"page, 60 {name}", partial(leaf, OWNER, large, before))
        await measure(f"branch {name}", partial(conversations.branch, OWNER, large, before), 3)
    await measure("recall for a prompt", lambda: service.recall(OWNER, large), 5)


async def read(
    service: Sessions,
    conversations: Conversations,
    large: str,
    small: str,
    count: int,
    listed: int,
) -> None:
    await measure("list, first 100 of one person", lambda: service.list(ANNA))
    await measure("list, first 100 of all", lambda: service.list(OWNER))
    await measure("list, last 100 of all", lambda: service.list(OWNER, listed - 100))
    await measure("find by title", lambda: service.find(OWNER, "session 1"))
    await measure("messages, first 100 of the large one", lambda: service.messages(OWNER, large))
    last = count - 100
    await measure(
        "messages, last 100 of the large one", lambda: service.messages(OWNER, large, last)
    )
    await leaves(service, conversations, large, last)
    await measure("history of 100 messages", lambda: service.history(OWNER, small))
    await measure(f"history of {count} messages", lambda: service.history(OWNER, large), 3)


async def write(service: Sessions, database: Database, small: str) -> None:
    pair = [NewMessage(role="user", content="Why?"), NewMessage(role="assistant", content=ANSWER)]
    await measure(
        "add a question and its answer", lambda: service.add_many(OWNER, small, pair), 200
    )

    async def crowd() -> None:
        await asyncio.gather(*(service.add_many(OWNER, small, pair) for _ in range(200)))

    await measure("200 who add at once", crowd, 5)
    if database.place.startswith("postgresql"):
        return
    async with database.writing() as connection:
        await connection.execute(text("ROLLBACK"))  # the pragma means nothing in a transaction
        await connection.execute(text("PRAGMA synchronous = NORMAL"))
        await connection.execute(text("BEGIN"))
    name = "add a question and its answer, synchronous = NORMAL"
    await measure(name, lambda: service.add_many(OWNER, small, pair), 200)
    await measure("200 who add at once, synchronous = NORMAL", crowd, 5)


async def remove(service: Sessions, repository: SessionRepository, large: str, small: str) -> None:
    start = time.perf_counter()
    await service.delete(OWNER, large)
    print(f"delete the large one: answered after {(time.perf_counter() - start) * 1000:.1f} ms")
    gone = False

    async def watch() -> None:
        nonlocal gone
        while await repository.purge(1):
            await asyncio.sleep(0.05)
        gone = True

    watching = asyncio.ensure_future(watch())
    took = []
    while not gone:
        began = time.perf_counter()
        await service.add(OWNER, small, NewMessage(role="user", content="Why?"))
        took.append((time.perf_counter() - began) * 1000)
    await watching
    print(
        f"its rows were gone after {time.perf_counter() - start:.1f} s; meanwhile adding a message "
        f"took {statistics.median(took):.2f} ms, {max(took):.2f} ms at most"
    )


async def run(place: str | Path, total: int) -> None:
    database = Database(place)
    repository = SessionRepository(database)
    service = Sessions(repository)
    start = time.perf_counter()
    if not await service.list(OWNER, active_only=False, limit=1):
        await fill(database, total)
        print(f"filled in {time.perf_counter() - start:.1f} s")
    await database.close()
    start = time.perf_counter()
    database = Database(place)
    repository = SessionRepository(database)
    service = Sessions(repository)
    await database.open()
    print(f"opened in {(time.perf_counter() - start) * 1000:.1f} ms")
    large = (await service.find(OWNER, "large")).id
    small = (await service.find(OWNER, "session 1")).id
    count = await service.count(OWNER, large)
    async with database.reading() as connection:
        listed = int(await connection.scalar(text("SELECT count(*) FROM sessions")) or 0)
    print(f"{listed} sessions{'median':>51} {'slowest':>15}")
    conversations = Conversations(service, ConversationRepository(database))
    await read(service, conversations, large, small, count, listed)
    await write(service, database, small)
    await remove(service, repository, large, small)
    await service.close()
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--url")
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = options.url or options.file or Path(folder) / "llmd.db"
        asyncio.run(run(place, options.messages))


if __name__ == "__main__":
    main()
