from __future__ import annotations

import re

import pytest

from llmd.config.settings import AuthMode
from llmd.errors import Unauthorized
from llmd.protocol.accounts import AuditKind, User
from llmd.protocol.callers import Caller, Credentials, Role, Scope
from llmd.protocol.limits import Allowance
from tests.fakes.accounts import PASSWORD
from tests.unit.server.web.conftest import Arrive, Village


async def admin(arrive: Arrive, mode: AuthMode = AuthMode.USERS) -> Village:
    """Somebody who may do everything."""
    visitor = await arrive(mode)
    if mode is AuthMode.USERS:
        await visitor.log_in("root", Role.ADMIN)
    return visitor


async def somebody(visitor: Village, name: str = "ann", role: Role = Role.USER) -> User:
    return await visitor.accounts.users.create(name, PASSWORD, role)


async def test_the_list_tells_who_has_an_account(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    await somebody(visitor, "张伟")
    text = await (await visitor.open("/admin/users")).text()
    assert "张伟" in text
    assert "root" in text
    assert "security.mode users" not in text
    found = await (await visitor.open("/web/users?words=张")).text()
    assert "张伟" in found
    assert "root" not in found


@pytest.mark.parametrize(
    ("mode", "said"), [(AuthMode.OPEN, "Make an admin first"), (AuthMode.KEYS, "Only API keys")]
)
async def test_modes_without_logins_are_explained(
    arrive: Arrive, mode: AuthMode, said: str
) -> None:
    visitor = await arrive(mode)
    if mode is AuthMode.KEYS:
        made = await visitor.accounts.keys.create(scopes=[Scope.ADMIN])
        await visitor.send("/login", key=made.secret)
    text = await (await visitor.open("/admin/users")).text()
    assert said in text
    assert "llmd config set security.mode users" in text


async def test_a_password_that_was_made_is_shown_once(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    answer = await visitor.send("/web/users", name="eve", made="true")
    assert answer.headers["HX-Trigger"] == "llmd:people"
    [secret] = re.findall(r"<output[^>]*>([^<]+)</output>", await answer.text())
    eve = await visitor.accounts.users.named("eve")
    assert secret not in await (await visitor.open(f"/admin/users/{eve.id}")).text()
    assert await visitor.accounts.login.browse("eve", secret, "192.0.2.1")


async def test_a_password_is_typed_twice(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    form = {"name": "eve", "made": "false", "password": PASSWORD}
    refused = await visitor.send("/web/users", **form, again="another one")
    assert (refused.status, (await refused.json())["error"]["param"]) == (400, "again")
    answer = await visitor.send("/web/users", **form, again=PASSWORD, concurrent="3")
    assert PASSWORD not in await answer.text()
    assert (await visitor.accounts.users.named("eve")).limits == Allowance(concurrent=3)


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"name": "-x", "made": "true"}, "name"),
        ({"made": "true"}, "name"),
        ({"name": "x", "made": "false", "password": "short", "again": "short"}, "password"),
        ({"name": "x", "made": "true", "concurrent": "-1"}, "concurrent"),
        ({"name": "x", "made": "true", "role": "king"}, "role"),
        ({"name": "ROOT", "made": "true"}, "name"),
    ],
)
async def test_what_will_not_do_names_its_field(
    arrive: Arrive, form: dict[str, str], param: str
) -> None:
    visitor = await admin(arrive)
    answer = await visitor.send("/web/users", **form)
    assert answer.status in {400, 409}
    assert (await answer.json())["error"]["param"] == param
    assert len(await visitor.accounts.users.list()) == 1


async def test_an_account_is_changed_and_shown_as_it_is_now(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    ann = await somebody(visitor)
    page = await (await visitor.open(f"/admin/users/{ann.id}")).text()
    assert "ann" in page
    assert "enabled" in page
    assert "disabled" in await (await visitor.send(f"/web/users/{ann.id}", enabled="false")).text()
    await visitor.send(f"/web/users/{ann.id}", role="admin")
    await visitor.send(f"/web/users/{ann.id}/limits", tokens_per_day="5000")
    renamed = await visitor.send(f"/web/users/{ann.id}/name", name="anna")
    assert renamed.headers["HX-Redirect"] == f"/admin/users/{ann.id}"
    now = await visitor.accounts.users.get(ann.id)
    assert (now.name, now.role, now.enabled) == ("anna", Role.ADMIN, False)
    assert now.limits == Allowance(tokens_per_day=5000)


async def test_a_new_password_ends_logins(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    ann = await somebody(visitor)
    login = await visitor.accounts.login.browse("ann", PASSWORD, "192.0.2.1")
    answer = await visitor.send(f"/web/users/{ann.id}/password", made="true")
    assert "data-secret" in await answer.text()
    with pytest.raises(Unauthorized, match="over"):
        await visitor.accounts.access.identify(Credentials(token=login.token))


async def test_removing_says_what_goes_and_leads_back(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    ann = await somebody(visitor)
    for _ in range(2):
        await visitor.accounts.keys.create(ann.id)
    assert "Its 2 keys go" in await (await visitor.open(f"/admin/users/{ann.id}")).text()
    answer = await visitor.send(f"/web/users/{ann.id}", method="DELETE")
    assert answer.headers["HX-Redirect"] == "/admin/users"
    assert (await visitor.open(f"/admin/users/{ann.id}")).status == 404


async def test_nobody_removes_themselves_by_mistake(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    await somebody(visitor, "other", Role.ADMIN)
    root = await visitor.accounts.users.named("root")
    page = await (await visitor.open(f"/admin/users/{root.id}")).text()
    assert "your own account" in page
    assert 'id="remove"' not in page.replace('<dialog id="remove"', "")
    assert (await visitor.send(f"/web/users/{root.id}", method="DELETE")).status == 403
    assert (await visitor.send(f"/web/users/{root.id}", enabled="false")).status == 403


async def test_a_plain_user_gets_nowhere_and_it_is_noted(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in("mallory")
    victim = await somebody(visitor, "victim")
    assert (await visitor.open("/admin/users")).status == 403
    calls = [
        ("/web/users", "POST", {"name": "evil", "made": "true", "role": "admin"}),
        (f"/web/users/{victim.id}", "DELETE", {}),
        (f"/web/users/{victim.id}/password", "POST", {"made": "true"}),
        (f"/web/users/{victim.id}", "POST", {"role": "admin"}),
    ]
    for path, method, form in calls:
        assert (await visitor.send(path, method=method, **form)).status == 403
    assert len(await visitor.accounts.users.list()) == 2
    noted = await visitor.accounts.audit.list()
    assert any(entry.kind is AuditKind.REFUSED and entry.actor == "user:mallory" for entry in noted)


async def test_hostile_names_and_ids_are_text(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    ann = await somebody(visitor)
    await visitor.accounts.keys.create(ann.id, "<script>alert(1)</script>")
    page = await (await visitor.open(f"/admin/users/{ann.id}")).text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    for identity in ("%3Cscript%3E", "' OR 1=1", "x" * 5000):
        assert (await visitor.open(f"/admin/users/{identity}")).status in {404, 414, 400}


async def test_use_and_limits_of_now_are_shown(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    ann = await visitor.accounts.users.create("ann", PASSWORD, limits=Allowance(tokens_per_day=100))
    caller = Caller(user=ann.id, user_allowance=ann.limits)
    visitor.guarded.bench.services.limits.spend(caller, 40)
    page = await (await visitor.open(f"/admin/users/{ann.id}")).text()
    assert "40 of 100" in page
    assert "40 tokens, 1 requests" in page
