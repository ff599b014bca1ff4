from __future__ import annotations

from urllib.parse import quote

from tests.unit.server.conftest import Connect


async def test_the_life_of_a_conversation(connect: Connect) -> None:
    client = await connect()
    made = await (await client.post("/control/sessions", json={"model": "m"})).json()
    path = f"/control/sessions/{made['id']}"
    new = [{"role": "user", "content": "你好 世界"}, {"role": "assistant", "content": "Hi."}]
    added = await (await client.post(f"{path}/messages", json={"messages": new})).json()
    assert [line["content"] for line in added["messages"]] == ["你好 世界", "Hi."]
    page = await (await client.get(f"{path}/messages?skip=1&limit=5")).json()
    assert page["messages"] == added["messages"][1:]
    assert await (await client.get(f"{path}/history")).json() == {"history": new}
    found = [await client.get(f"/control/sessions?words={quote(word)}") for word in ("世界", "no")]
    assert [len((await answer.json())["sessions"]) for answer in found] == [1, 0]
    for name in (made["id"], made["id"][:8], "你好 世界"):
        found = await client.get(f"/control/sessions/find?name={quote(name)}")
        card = await found.json()
        assert (card["session"]["id"], card["messages"]) == (made["id"], 2)
    changed = await (await client.post(path, json={"title": "T", "is_active": False})).json()
    assert (changed["title"], changed["is_active"], changed["model"]) == ("T", False, "m")
    assert await (await client.get("/control/sessions")).json() == {"sessions": []}
    every = await (await client.get("/control/sessions?active_only=false")).json()
    assert every["sessions"] == [changed]
    assert await (await client.delete(path)).json() == {"removed": made["id"]}
    assert (await client.get(f"{path}/messages")).status == 404


async def test_what_is_not_there_is_404_and_what_cannot_be_is_400(connect: Connect) -> None:
    client = await connect()
    assert (await client.get("/control/sessions/find?name=nothing")).status == 404
    assert (await client.delete("/control/sessions/nothing")).status == 404
    for wrong in ("limit=0", "limit=x", "skip=-1", "active_only=perhaps"):
        assert (await client.get(f"/control/sessions?{wrong}")).status == 400
    made = await (await client.post("/control/sessions", json={})).json()
    wrong = {"messages": [{"role": "nobody", "content": "x"}]}
    answer = await client.post(f"/control/sessions/{made['id']}/messages", json=wrong)
    assert answer.status == 400
    assert (await answer.json())["error"]["param"] == "role"


async def test_the_end_of_a_conversation_can_be_cut_off(connect: Connect) -> None:
    client = await connect()
    made = await (await client.post("/control/sessions", json={})).json()
    path = f"/control/sessions/{made['id']}/messages"
    new = [{"role": "user", "content": text} for text in "abc"]
    added = await (await client.post(path, json={"messages": new})).json()
    cut = await client.delete(f"{path}/{added['messages'][1]['id']}")
    assert await cut.json() == {"removed": 2}
    assert (await (await client.get(path)).json())["messages"] == added["messages"][:1]
    assert (await client.delete(f"{path}/{added['messages'][1]['id']}")).status == 404


async def test_control_calls_are_not_to_be_had_over_tcp(connect: Connect) -> None:
    assert (await (await connect(tcp=True)).get("/control/sessions")).status == 404
