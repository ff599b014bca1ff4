from __future__ import annotations

import re
from collections import Counter

from llmd.server.web.entrance import CALLS
from llmd.server.web.routes import MOUNTS
from llmd.server.web.routes.table import REGIONS

ROUTES = [route for mount in MOUNTS for route in mount.routes]
FOR_ALL = {"/", "/login", "/logout", "/favicon.ico", "/admin/{rest:.*}", "/web/choice"}
"""What somebody gets who has not logged in; the first page asks for more itself."""


def test_no_path_is_there_twice() -> None:
    counts = Counter((route.method, route.path) for route in ROUTES)
    assert [where for where, count in counts.items() if count > 1] == []


def test_pages_change_nothing() -> None:
    changing = {route.path for route in ROUTES if route.method != "GET"}
    assert {path for path in changing if not path.startswith(CALLS)} == {"/login", "/logout"}


def test_everything_else_asks_for_a_right() -> None:
    free = {route.path for route in ROUTES if route.scope is None}
    assert {path for path in free if not path.startswith("/web/files/")} == FOR_ALL


def test_regions_have_names_of_their_own_that_a_query_can_carry() -> None:
    names = [region.name for region in REGIONS]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z_-]*", name)] == []


def test_errors_of_calls_have_one_shape() -> None:
    assert {mount.encode_error.__module__ for mount in MOUNTS} == {"llmd.server.web.replies"}
