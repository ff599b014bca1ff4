from __future__ import annotations

from collections import Counter

from llmd.protocol.callers import Scope
from llmd.server.dialects.control.routes.table import ROUTES


def test_every_control_call_is_for_the_owner() -> None:
    assert {route.scope for route in ROUTES} == {Scope.ADMIN}


def test_no_call_hides_another() -> None:
    counted = Counter((route.method, route.path) for route in ROUTES)
    assert counted.most_common(1)[0][1] == 1
    paths = {route.path for route in ROUTES}
    assert {"/status", "/users", "/keys", "/audit", "/sessions"} <= paths
