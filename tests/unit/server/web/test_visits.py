from __future__ import annotations

from http.cookies import SimpleCookie

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from llmd.config.networks import Networks
from llmd.config.settings import ServerSettings
from llmd.server.http.keys import SETTINGS
from llmd.server.web import visits

ID = "abcdefghijklmnopqrstuv"


def asked(host: str = "localhost:8000", proxies: str = "", **headers: str) -> web.Request:
    application = web.Application()
    application[SETTINGS] = msgspec.structs.replace(
        ServerSettings(), trusted_proxies=Networks(proxies)
    )
    sent = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return make_mocked_request("GET", "/", headers=sent, app=application)


def written(request: web.Request, what: str, value: str, *age: int) -> SimpleCookie:
    response = web.Response()
    visits.write(request, response, what, value, *age)
    return response.cookies


def test_a_browser_that_comes_first_gets_an_id_that_nobody_can_guess() -> None:
    first, second = visits.read(asked()), visits.read(asked())
    assert first.fresh
    assert len(first.id) == 22
    assert first.id != second.id


def test_what_a_browser_keeps_is_read_again() -> None:
    kept = (
        f"llmd-visit-8000={ID}; llmd-login-8000=a.b.c; llmd-language-8000=zh; llmd-theme-8000=dark"
    )
    visit = visits.read(asked(Cookie=kept))
    assert visit == visits.Visit(id=ID, token="a.b.c", language="zh", theme="dark")


@pytest.mark.parametrize("id_", ["", "short", ID + "x", "abc/efghijklmnopqrstuv", "a" * 5000])
def test_an_id_that_llmd_has_not_made_counts_for_none(id_: str) -> None:
    visit = visits.read(asked(Cookie=f"llmd-visit-8000={id_}"))
    assert visit.fresh
    assert visit.id != id_


@pytest.mark.parametrize("token", ['"a b"', "x" * 4097, '"\\303\\244"'])
def test_a_token_that_cannot_be_one_counts_for_none(token: str) -> None:
    assert visits.read(asked(Cookie=f"llmd-login-8000={token}")).token == ""


def test_unknown_themes_are_the_systems_and_languages_stay_short() -> None:
    visit = visits.read(asked(Cookie=f"llmd-theme-8000=pink; llmd-language-8000={'z' * 900}"))
    assert visit.theme == ""
    assert len(visit.language) <= 8


def test_cookies_of_other_programs_do_no_harm() -> None:
    kept = f"odd[1]=x; broken; =; {{}}=1; llmd-visit-8000={ID}"
    assert visits.read(asked(Cookie=kept)).id == ID


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:8000", "llmd-login-8000"),
        ("[::1]:8001", "llmd-login-8001"),
        ("[::1]", "llmd-login"),
        ("llm.example.com", "llmd-login"),
        ("localhost:x", "llmd-login"),
        ("localhost:99999999", "llmd-login"),
        ("", "llmd-login"),
    ],
)
def test_two_servers_of_one_host_have_cookies_of_their_own(host: str, name: str) -> None:
    assert list(written(asked(host), "login", "t")) == [name]
    assert visits.read(asked(host, Cookie=f"{name}=t")).token == "t"


def test_scripts_and_other_sites_get_nothing_of_a_login() -> None:
    [cookie] = written(asked(), "login", "t", 60).values()
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == "60"
    assert not cookie["domain"]


@pytest.mark.parametrize("what", ["visit", "language", "theme"])
def test_following_a_link_changes_neither_the_look_nor_the_stamps(what: str) -> None:
    [cookie] = written(asked(), what, "x").values()
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == str(visits.YEAR)


def test_an_empty_value_is_forgotten_at_once() -> None:
    [cookie] = written(asked(), "login", "").values()
    assert cookie["max-age"] == "0"


@pytest.mark.parametrize(("proxies", "secure"), [("192.0.2.0/24", True), ("", False)])
def test_cookies_are_for_https_alone_behind_a_trusted_proxy_that_speaks_it(
    proxies: str, secure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web.Request, "remote", "192.0.2.7")
    [cookie] = written(asked(proxies=proxies, X_Forwarded_Proto="https"), "login", "t").values()
    assert bool(cookie["secure"]) is secure


def test_stamps_end_with_the_login() -> None:
    out = visits.Visit(id=ID)
    assert out.seal != msgspec.structs.replace(out, token="t").seal
    # no id and token can be mistaken for another pair
    assert visits.Visit(id="a", token="b\0c").seal == "a\0b\0c"
