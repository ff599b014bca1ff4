from __future__ import annotations

import pytest

from llmd.config.settings import AuthMode
from llmd.protocol.accounts import UserChanges
from llmd.protocol.callers import Role, Scope
from tests.fakes.visitors import PAGE, Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive

CHOICE = {"what": "theme", "value": "dark"}
EVIL = "https://evil.example"


async def code(answer: object) -> str:
    return str((await answer.json())["error"]["code"])  # type: ignore[attr-defined]  # a response


# who may


async def test_whoever_sits_before_an_open_daemon_may_do_everything(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    answer = await visitor.open("/web/who")
    assert set((await answer.json())["scopes"]) == set(Scope)


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": "192.0.2.1"},
        {"X_Forwarded_Proto": "https"},
        {"X_Real_IP": "192.0.2.1"},
        {"Forwarded": "for=192.0.2.1"},
        {"Via": "1.1 proxy"},
    ],
)
async def test_who_comes_by_a_proxy_may_do_what_anybody_may(
    connect: Connect, headers: dict[str, str]
) -> None:
    visitor = Visitor(await connect(tcp=True))
    answer = await visitor.open("/web/who", **headers)
    assert set((await answer.json())["scopes"]) == set(Scope) - {Scope.ADMIN}


async def test_who_calls_a_name_that_others_can_call_may_do_what_anybody_may(
    arrive: Arrive,
) -> None:
    visitor = await arrive(AuthMode.OPEN, hosts="llm.example.com")
    answer = await visitor.open("/web/who", Host="llm.example.com")
    assert Scope.ADMIN not in (await answer.json())["scopes"]
    for name in ("localhost:8000", "[::1]:8000", "llmd.localhost"):
        answer = await visitor.open("/web/who", Host=name)
        assert Scope.ADMIN in (await answer.json())["scopes"]


async def test_a_daemon_that_is_open_to_other_machines_trusts_none_of_them(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.OPEN, host="0.0.0.0", allow_open=True)
    answer = await visitor.open("/web/who")
    assert Scope.ADMIN not in (await answer.json())["scopes"]
    assert (await visitor.open("/admin/users")).status in {303, 404}


async def test_who_has_logged_in_has_the_rights_of_the_account_also_where_all_is_open(
    arrive: Arrive,
) -> None:
    visitor = await arrive(AuthMode.OPEN)
    await visitor.log_in()
    told = await (await visitor.open("/web/who")).json()
    assert told["name"] == "ann"
    assert Scope.ADMIN not in told["scopes"]


async def test_a_key_without_an_account_gives_its_own_rights_only(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.OPEN)
    made = await visitor.accounts.keys.create(scopes=(Scope.MODELS_READ,))
    await visitor.send("/login", key=made.secret)
    told = await (await visitor.open("/web/who")).json()
    assert told["scopes"] == [Scope.MODELS_READ]


async def test_the_owners_socket_needs_no_login(connect: Connect) -> None:
    visitor = Visitor(await connect())
    assert (await visitor.open("/")).status == 200
    stamp = await visitor.stamp("/")
    assert (await visitor.send("/web/choice", stamp, **CHOICE)).status == 204


async def test_strangers_are_sent_to_the_login_and_come_back(arrive: Arrive) -> None:
    visitor = await arrive()
    answer = await visitor.open("/admin?tab=a&b=%23%0d%0a")
    assert answer.status == 303
    assert answer.headers["Location"] == "/login?next=/admin%3Ftab%3Da%26b%3D%2523%250D%250A"
    call = await visitor.open("/web/who")
    assert call.status == 401
    assert await code(call) == "unauthorized"


async def test_browsers_are_never_asked_by_a_dialog_of_their_own(arrive: Arrive) -> None:
    visitor = await arrive()
    wrong = await visitor.send("/login", name="ann", password="wrong")
    assert wrong.status == 401
    assert "WWW-Authenticate" not in wrong.headers
    call = await visitor.open("/web/who")
    assert call.headers["WWW-Authenticate"] == "Bearer"  # no browser knows that one


async def test_keys_in_headers_open_no_page(arrive: Arrive) -> None:
    visitor = await arrive()
    key = await visitor.guarded.key(*Scope)
    assert (await visitor.open("/web/who", **key)).status == 401


async def test_cookies_open_nothing_but_pages(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in()
    assert (await visitor.client.get("/v1/models")).status == 401


async def test_who_may_not_is_told_so_on_a_page(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in()
    answer = await visitor.open("/admin")
    assert answer.status == 403
    assert "You are logged in as ann." in await answer.text()


async def test_a_login_that_has_ended_counts_no_more(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in()
    token = visitor.cookie("login")
    assert (await visitor.open("/")).status == 200
    await visitor.guarded.bench.services.login.logout(token)
    assert (await visitor.open("/")).headers["Location"] == "/login?next=/"


async def test_an_account_that_was_disabled_gets_no_more_pages(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in()
    ann = next(user for user in await visitor.accounts.users.list() if user.name == "ann")
    await visitor.accounts.users.update(ann.id, UserChanges(enabled=False))
    assert (await visitor.open("/")).status == 303


async def test_a_login_of_nonsense_is_no_login(arrive: Arrive) -> None:
    visitor = await arrive()
    visitor.keep("login", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.")
    assert (await visitor.open("/")).status == 303


# what calls need


async def test_a_call_shows_the_stamp_of_its_page(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    stamp = await visitor.stamp("/")
    assert (await visitor.send("/web/choice", stamp, **CHOICE)).status == 204
    headers = {"X-LLMD-Stamp": stamp}
    answer = await visitor.client.post("/web/choice", data=CHOICE, headers=headers)
    assert answer.status == 204


@pytest.mark.parametrize("stamp", ["", "x", "ä" * 43, "A" * 43])
async def test_a_call_without_the_right_stamp_does_nothing(connect: Connect, stamp: str) -> None:
    visitor = Visitor(await connect(tcp=True))
    await visitor.stamp("/")
    answer = await visitor.send("/web/choice", stamp, **CHOICE)
    assert answer.status == 403
    assert await code(answer) == "stale_page"
    assert visitor.cookie("theme") == ""


async def test_stamps_of_another_browser_do_not_count(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    stamp = await visitor.stamp("/")
    visitor.keep("visit", "abcdefghijklmnopqrstuv")
    assert (await visitor.send("/web/choice", stamp, **CHOICE)).status == 403


async def test_stamps_from_before_the_login_do_not_count(arrive: Arrive) -> None:
    visitor = await arrive()
    before = await visitor.stamp()
    await visitor.log_in()
    answer = await visitor.send("/web/choice", before, **CHOICE)
    assert await code(answer) == "stale_page"
    told = await (await visitor.open("/web/who")).json()
    assert (await visitor.send("/web/choice", told["stamp"], **CHOICE)).status == 204


async def test_a_stale_login_form_comes_again_and_says_why(arrive: Arrive) -> None:
    visitor = await arrive()
    answer = await visitor.send("/login", "stale", name="ann", password="x")
    assert answer.headers["Location"] == "/login?stale=true"
    page = await visitor.open("/login?stale=true")
    assert page.status == 403
    assert "out of date" in await page.text()


async def test_a_form_without_end_is_refused_before_it_is_read(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True, max_body=10**7))
    answer = await visitor.send("/web/choice", "", what="x" * 300_000)
    assert answer.status == 413


# other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://[broken"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://localhost:3000"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Origin": EVIL},
    ],
)
async def test_another_site_may_do_nothing_even_with_the_right_stamp(
    arrive: Arrive, headers: dict[str, str]
) -> None:
    visitor = await arrive(AuthMode.KEYS)  # elsewhere the CORS middleware refuses before
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await visitor.client.post(
        "/web/choice", data={**CHOICE, "stamp": await visitor.stamp()}, headers=sent
    )
    assert answer.status == 403
    assert await code(answer) == "forbidden"
    assert visitor.cookie("theme") == ""


@pytest.mark.parametrize(
    "path", ["/", "/admin", "/web/who", "/login", "/web/live?regions=overview"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": EVIL, "Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"},
    ],
)
async def test_another_site_reads_nothing_also_where_it_may_use_the_api(
    arrive: Arrive, path: str, headers: dict[str, str]
) -> None:
    visitor = await arrive(AuthMode.OPEN, cors_origins="*")
    answer = await visitor.open(path, **headers)
    assert answer.status == 403
    assert "stamp" not in await answer.text()


async def test_other_sites_may_link_to_pages_and_not_to_calls(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert (await visitor.open("/", **link)).status == 200
    assert (await visitor.open("/web/who", **link)).status == 403


async def test_what_the_browser_says_counts_where_a_proxy_changes_the_host(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.KEYS)
    headers = {"Origin": "https://llm.example.com", "Sec-Fetch-Site": "same-origin"}
    fields = {**CHOICE, "stamp": await visitor.stamp()}
    answer = await visitor.client.post("/web/choice", data=fields, headers=headers)
    assert answer.status == 204
    del headers["Sec-Fetch-Site"]
    answer = await visitor.client.post("/web/choice", data=fields, headers=headers)
    assert "Host header" in (await answer.json())["error"]["hint"]


async def test_a_foreign_host_name_reaches_no_page(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    answer = await visitor.open("/", Host="evil.example")
    assert answer.status == 403
    assert "stamp" not in await answer.text()


@pytest.mark.parametrize("host", ["localhost:99999999", "localhost:x", "[::1", "a:b:c", ""])
async def test_odd_host_names_do_no_harm(connect: Connect, host: str) -> None:
    visitor = Visitor(await connect(tcp=True))
    assert (await visitor.open("/", Host=host)).status < 500


# cookies and pages


async def test_a_browser_is_told_its_id_once(connect: Connect) -> None:
    visitor = Visitor(await connect(tcp=True))
    first = await visitor.open("/")
    assert len(first.cookies) == 1
    assert not (await visitor.open("/")).cookies
    assert not (await visitor.open("/admin/none")).cookies


async def test_nothing_but_pages_hands_out_ids(connect: Connect) -> None:
    client = await connect(tcp=True)
    page = await (await Visitor(client).open("/")).text()
    file = page.partition('href="/web/files/')[2].partition('"')[0]
    client.session.cookie_jar.clear()
    for path in (f"/web/files/{file}", "/web/who", "/favicon.ico"):
        assert "Set-Cookie" not in (await client.get(path, allow_redirects=False)).headers
    assert "Set-Cookie" not in (await client.get("/")).headers  # no page: a probe


async def test_a_bug_is_told_on_a_page_and_on_a_call_as_json(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(await connect(tcp=True))

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("llmd.server.web.routes.front.page", broken)
    answer = await visitor.open("/")
    assert answer.status == 500
    assert answer.content_type == "text/html"
    assert "ZeroDivision" not in await answer.text()

    def worse(body: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("llmd.server.web.routes.front.replies.json", worse)
    assert (await visitor.open("/web/who")).content_type == "application/json"


async def test_who_asks_too_often_is_told_when_to_come_back(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmd.errors import Draining

    visitor = Visitor(await connect(tcp=True))

    async def busy(*_: object, **__: object) -> None:
        raise Draining("llmd is shutting down.", hint="Later.", retry_after=7)

    monkeypatch.setattr("llmd.server.web.routes.front.page", busy)
    answer = await visitor.open("/")
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "7"
    assert "Try again in 7 s." in await answer.text()


async def test_nobody_hears_of_a_client_that_is_gone(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmd.server.http.boundary import ClientGone

    async def gone(*_: object, **__: object) -> None:
        raise ClientGone

    monkeypatch.setattr("llmd.server.web.routes.front.page", gone)
    client = await connect(tcp=True)
    assert (await client.get("/", headers=PAGE)).status == 499


async def test_an_admin_gets_everywhere(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in("root", Role.ADMIN)
    assert (await visitor.open("/admin")).status == 200
