from __future__ import annotations

import pytest

from llmd.errors import Forbidden
from llmd.protocol.callers import EVERYTHING, USUAL, Role, Scope
from llmd.security import scopes


def test_admins_may_do_all_and_users_what_is_usual() -> None:
    assert scopes.of_role(Role.ADMIN) == EVERYTHING
    assert scopes.of_role(Role.USER) == USUAL
    assert Scope.ADMIN not in scopes.OPEN


def test_a_key_may_do_no_more_than_its_user() -> None:
    wanted = {Scope.GENERATE, Scope.ADMIN}
    assert scopes.effective(wanted, Role.USER) == {Scope.GENERATE}
    assert scopes.effective(wanted, Role.ADMIN) == wanted
    assert scopes.effective(wanted, None) == wanted


def test_new_keys_get_what_their_user_has() -> None:
    assert scopes.grantable(None, Role.ADMIN) == EVERYTHING
    assert scopes.grantable(None, Role.USER) == USUAL
    assert scopes.grantable(None, None) == USUAL
    assert scopes.grantable([Scope.METRICS], None) == {Scope.METRICS}


def test_more_than_the_user_may_is_refused_by_name() -> None:
    with pytest.raises(Forbidden, match="admin, metrics"):
        scopes.grantable([Scope.METRICS, Scope.ADMIN, Scope.GENERATE], Role.USER)
