from __future__ import annotations

import pytest

from llmd.config.settings import AuthMode
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive


async def test_the_first_page_is_the_chat(connect: Connect) -> None:
    answer = await Visitor(await connect(tcp=True)).open("/")
    assert answer.status == 200
    assert '<body class="chat">' in await answer.text()


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
@pytest.mark.parametrize("mode", list(AuthMode))
async def test_programs_that_look_whether_something_runs_are_told_so(
    arrive: Arrive, accept: str, mode: AuthMode
) -> None:
    visitor = await arrive(mode)
    answer = await visitor.client.get("/", headers={"Accept": accept})
    assert (answer.status, await answer.text()) == (200, "llmd is running\n")
    assert "Set-Cookie" not in answer.headers
    head = await visitor.client.head("/", headers={"Accept": accept})
    assert (head.status, await head.text()) == (200, "")


async def test_the_chat_is_for_those_who_may_ask_models(arrive: Arrive) -> None:
    visitor = await arrive()
    assert (await visitor.open("/")).headers["Location"] == "/login?next=/"
    await visitor.log_in()
    assert (await visitor.open("/")).status == 200


async def test_a_browser_keeps_the_language_and_the_theme_that_were_chosen(
    connect: Connect,
) -> None:
    visitor = Visitor(await connect(tcp=True))
    for what, value in (("language", "zh"), ("theme", "dark")):
        answer = await visitor.send("/web/choice", what=what, value=value)
        assert answer.status == 204
        assert visitor.cookie(what) == value
    assert '<html lang="zh" data-theme="dark">' in await (await visitor.open("/")).text()
    await visitor.send("/web/choice", what="theme", value="")
    assert visitor.cookie("theme") == ""


@pytest.mark.parametrize(
    "fields", [{"what": "login", "value": "zh"}, {"what": "theme", "value": "pink"}, {}]
)
async def test_nothing_else_can_be_chosen(connect: Connect, fields: dict[str, str]) -> None:
    visitor = Visitor(await connect(tcp=True))
    assert (await visitor.send("/web/choice", **fields)).status == 400
    assert visitor.cookie("login") == ""


async def test_a_page_learns_whom_it_is_for_and_what_it_has_to_show(arrive: Arrive) -> None:
    visitor = await arrive()
    assert (await visitor.open("/web/who")).status == 401
    await visitor.log_in()
    told = await (await visitor.open("/web/who")).json()
    assert told["name"] == "ann"
    assert "generate" in told["scopes"]
    assert told["stamp"] == await visitor.stamp("/")
    assert f"/web/files/{told['version']}/" in await (await visitor.open("/")).text()


async def test_unknown_pages_of_the_administration_are_told_as_a_page(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    answer = await visitor.open("/admin/no/such", Accept_Language="zh")
    assert answer.status == 404
    assert "页面不存在" in await answer.text()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/admin/", "/admin"),
        ("/admin//", "/admin"),
        ("/admin/models/", "/admin/models"),
        ("/admin//evil.example/", "/admin//evil.example"),
    ],
)
async def test_a_slash_at_the_end_does_not_matter(connect: Connect, path: str, place: str) -> None:
    answer = await Visitor(await connect(tcp=True)).open(path)
    assert (answer.status, answer.headers["Location"]) == (303, place)


async def test_a_slash_that_is_part_of_a_name_leads_nowhere(connect: Connect) -> None:
    answer = await Visitor(await connect(tcp=True)).open("/admin/none%2F")
    assert answer.status == 404


async def test_the_picture_that_browsers_ask_for_is_there(connect: Connect) -> None:
    client = await connect(tcp=True)
    answer = await client.get("/favicon.ico")
    assert answer.status == 200
    assert answer.content_type == "image/svg+xml"


async def test_paths_of_other_dialects_answer_as_they_did(connect: Connect) -> None:
    client = await connect(tcp=True)
    answer = await client.get("/nothing", headers={"Accept": "text/html"})
    assert answer.status == 404
    assert answer.content_type == "application/json"
