from __future__ import annotations

import re

from llmd.protocol.accounts import AuditKind
from llmd.protocol.callers import Caller, Role
from tests.unit.server.web.conftest import Arrive, Village


async def admin(arrive: Arrive) -> Village:
    visitor = await arrive()
    await visitor.log_in("root", Role.ADMIN)
    return visitor


async def test_the_newest_come_first_and_older_ones_page_by_page(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    for number in range(120):
        visitor.accounts.audit.note(AuditKind.KEY_ADDED, None, f"key-{number:03}")
    seen: list[str] = []
    text = await (await visitor.open("/admin/audit")).text()
    while True:
        seen += re.findall(r"key-\d{3}", text)
        further = re.search(r'hx-get="(/web/audit\?[^"]*before=[^"]*)"', text)
        if not further:
            break
        text = await (await visitor.open(further[1].replace("&amp;", "&"))).text()
    assert seen == [f"key-{number:03}" for number in reversed(range(120))]


async def test_entries_are_chosen_by_kind_actor_and_words(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    visitor.accounts.audit.note(AuditKind.USER_ADDED, Caller(user="u", label="张伟"), "one")
    visitor.accounts.audit.note(AuditKind.USER_REMOVED, None, "two")
    for query, there, gone in (
        ("kind=user_added", "one", "two"),
        ("actor=张", "one", "two"),
        ("words=TWO", "two", "one"),
    ):
        text = await (await visitor.open(f"/web/audit?{query}")).text()
        assert f">{there}<" in text
        assert f">{gone}<" not in text
    nothing = await (await visitor.open("/web/audit?words=zzz")).text()
    assert "Nothing that was noted fits" in nothing


async def test_what_is_asked_for_stays_in_the_form(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    text = await (await visitor.open("/admin/audit?kind=login&words=%22%3E%3Cb%3E")).text()
    assert '<option value="login" selected>' in text
    assert "<b>" not in text.partition("<main")[2]


async def test_unknown_kinds_are_refused(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    assert (await visitor.open("/web/audit?kind=nothing")).status == 400
    assert (await visitor.open("/web/audit?before=x")).status == 400


async def test_hostile_entries_are_text(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    visitor.accounts.audit.note(AuditKind.REFUSED, None, "<img src=x onerror=alert(1)>")
    assert "<img src=x" not in await (await visitor.open("/admin/audit")).text()


async def test_a_plain_user_reads_no_audit(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in("mallory")
    assert (await visitor.open("/admin/audit")).status == 403
    assert (await visitor.open("/web/audit")).status == 403
