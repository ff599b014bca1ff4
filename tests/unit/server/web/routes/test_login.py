from __future__ import annotations

from urllib.parse import quote

import pytest

from llmd.config.settings import AuthMode
from llmd.config.values import Duration
from llmd.protocol.accounts import KeyChanges, UserChanges
from llmd.protocol.callers import Scope
from llmd.server.web import visits
from llmd.server.web.routes.login import inside
from tests.fakes.accounts import PASSWORD
from tests.unit.server.web.conftest import Arrive, Village


async def told(visitor: Village, **fields: str) -> tuple[int, str]:
    answer = await visitor.send("/login", **fields)
    return answer.status, await answer.text()


async def test_a_name_and_a_password_let_somebody_in(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.accounts.users.create("Ann", PASSWORD)
    answer = await visitor.send("/login", name="ANN", password=PASSWORD, next="/admin?x=1")
    assert (answer.status, answer.headers["Location"]) == (303, "/admin?x=1")
    assert (await visitor.open("/")).status == 200


async def test_the_cookie_counts_for_as_long_as_the_settings_say(arrive: Arrive) -> None:
    visitor = await arrive(browser_lifetime=Duration(3600))
    await visitor.accounts.users.create("ann", PASSWORD)
    answer = await visitor.send("/login", name="ann", password=PASSWORD)
    [cookie] = answer.cookies.values()
    assert cookie["max-age"] == "3600"
    assert cookie["samesite"] == "Strict"
    assert cookie["httponly"]


async def test_a_login_may_have_no_end(arrive: Arrive) -> None:
    visitor = await arrive(browser_lifetime=Duration(-1))
    await visitor.log_in()
    assert (await visitor.open("/")).status == 200
    key = await visitor.accounts.keys.create()
    answer = await visitor.send("/login", await visitor.stamp("/"), key=key.secret)
    [cookie] = answer.cookies.values()
    assert cookie["max-age"] == str(visits.YEAR)


async def test_what_is_wrong_is_said_and_the_name_stays(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.accounts.users.create("ann", PASSWORD)
    status, text = await told(visitor, name="ann", password="wrong", next="/admin")
    assert status == 401
    assert 'role="alert">The name or the password is wrong.' in text
    assert 'name="name" value="ann"' in text
    assert 'name="next" value="/admin"' in text
    assert "wrong" not in text.partition('type="password"')[2].partition(">")[0]
    assert visitor.cookie("login") == ""


async def test_a_disabled_account_is_told_so(arrive: Arrive) -> None:
    visitor = await arrive()
    ann = await visitor.accounts.users.create("ann", PASSWORD)
    await visitor.accounts.users.update(ann.id, UserChanges(enabled=False))
    status, text = await told(visitor, name="ann", password=PASSWORD)
    assert status == 401
    assert "disabled" in text


async def test_those_who_guess_are_told_how_long_to_wait(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.accounts.users.create("ann", PASSWORD)
    stamp = await visitor.stamp()
    for _ in range(5):
        assert (await visitor.send("/login", stamp, name="ann", password="wrong")).status == 401
    answer = await visitor.send("/login", stamp, name="ann", password=PASSWORD)
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "1"
    assert "Try again in 1 s." in await answer.text()


async def test_the_page_speaks_chinese_also_of_what_is_wrong(arrive: Arrive) -> None:
    visitor = await arrive()
    visitor.keep("language", "zh")
    _, text = await told(visitor, name="ann", password="wrong")
    assert "用户名或密码错误。" in text


@pytest.mark.parametrize("mode", list(AuthMode))
async def test_a_key_lets_somebody_in_wherever_it_counts(arrive: Arrive, mode: AuthMode) -> None:
    visitor = await arrive(mode)
    made = await visitor.accounts.keys.create(scopes=(Scope.GENERATE, Scope.MODELS_READ))
    answer = await visitor.send("/login", key=f" {made.secret} ")
    assert answer.status == 303
    found = await (await visitor.open("/web/who")).json()
    assert found["name"] == made.key.prefix
    await visitor.accounts.keys.update(made.key.id, KeyChanges(enabled=False))
    assert (await visitor.open("/")).status == (200 if mode is AuthMode.OPEN else 303)


@pytest.mark.parametrize(
    "key", ["x", "llmd-nonsense", "sk-1234", "a.b.c", "ä", "long" * 3000], ids=lambda key: key[:9]
)
@pytest.mark.parametrize("mode", list(AuthMode))
async def test_a_key_that_does_not_count_lets_nobody_in_anywhere(
    arrive: Arrive, mode: AuthMode, key: str
) -> None:
    visitor = await arrive(mode)
    status, text = await told(visitor, key=key)
    assert status == 401
    assert f'value="{key}"' not in text
    assert visitor.cookie("login") == ""


async def test_who_tries_keys_uses_up_the_limit_of_the_address(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.KEYS)
    used = []
    admit = visitor.guarded.bench.services.limits.admit
    visitor.guarded.bench.services.limits.admit = (  # type: ignore[method-assign]  # a spy
        lambda caller: used.append(caller.address) or admit(caller)  # type: ignore[func-returns-value]  # as above
    )
    await told(visitor, key="llmd-nonsense")
    assert used == ["127.0.0.1"]


async def test_where_only_keys_count_no_password_is_asked_for(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.KEYS)
    text = await (await visitor.open("/login")).text()
    assert 'name="password"' not in text
    assert 'name="key"' in text
    status, text = await told(visitor, name="ann", password=PASSWORD)
    assert status == 403
    assert "API keys only" in text


async def test_where_all_is_open_nobody_has_to_log_in_but_may(arrive: Arrive) -> None:
    visitor = await arrive(AuthMode.OPEN)
    assert "Nobody has to log in here." in await (await visitor.open("/login")).text()
    await visitor.log_in()
    assert (await (await visitor.open("/web/who")).json())["name"] == "ann"


async def test_who_is_in_already_goes_on(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in()
    answer = await visitor.open("/login?next=/admin")
    assert (answer.status, answer.headers["Location"]) == (303, "/admin")


async def test_the_form_works_without_scripts(arrive: Arrive) -> None:
    text = await (await (await arrive()).open("/login")).text()
    assert '<form method="post" action="/login">' in text
    assert "<button" in text
    assert "autocapitalize" in text


async def test_leaving_ends_the_login_on_the_server_too(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in()
    token = visitor.cookie("login")
    answer = await visitor.send("/logout", await visitor.stamp("/"))
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
    assert visitor.cookie("login") == ""
    visitor.keep("login", token)
    assert (await visitor.open("/")).status == 303
    # once more is no harm
    assert (await visitor.send("/logout", await visitor.stamp())).status == 303


@pytest.mark.parametrize("mode", list(AuthMode))
async def test_leaving_forgets_a_key_and_leaves_it_as_it_is(arrive: Arrive, mode: AuthMode) -> None:
    visitor = await arrive(mode)
    key = await visitor.accounts.keys.create()
    await visitor.send("/login", key=key.secret)
    assert (await visitor.send("/logout", await visitor.stamp("/"))).status == 303
    assert visitor.cookie("login") == ""
    assert (await visitor.send("/login", key=key.secret)).status == 303


async def test_nobody_is_logged_out_by_a_link(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in()
    assert (await visitor.open("/logout")).status == 405
    assert (await visitor.send("/logout", "stale")).status == 403
    assert (await visitor.open("/")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "/\r\nSet-Cookie: a=b",
        "/\x00",
        "/\u2028",
        "evil.example",
        "",
        " /",
        "/web/live",
        "/login?next=/login",
    ],
)
async def test_nobody_is_sent_elsewhere(arrive: Arrive, path: str) -> None:
    assert inside(path) == "/"
    visitor = await arrive(AuthMode.KEYS)
    key = await visitor.accounts.keys.create()
    shown = await (await visitor.open(f"/login?next={quote(path)}")).text()
    assert 'name="next" value="/"' in shown
    answer = await visitor.send("/login", key=key.secret, next=path)
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("path", ["/", "/admin?a=b&c=%0d%0a", "/admin/models/a%2Fb", "/?s=聊天"])
def test_pages_of_this_site_are_gone_back_to(path: str) -> None:
    assert inside(path) == path
