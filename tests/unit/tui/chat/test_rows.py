from __future__ import annotations

from rich.cells import cell_len

from llmd.tui.chat.rows import WIDTH, rows
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Turn, TurnState


def test_what_is_open_and_not_kept_comes_first() -> None:
    kept = [
        {"id": "a", "title": "One", "updated_at": 40.0},
        {"id": "b", "title": "", "updated_at": 0},
    ]
    fresh = Talk(turns=[Turn("user", "Just said")])
    busy = Talk(session="b", turns=[Turn("assistant", state=TurnState.ASKING)])
    found = rows(kept, [Talk(), fresh, busy], fresh, 100.0)
    assert [(row.key, row.title.strip(), row.age.strip()) for row in found] == [
        ("", "Just said", ""),
        ("a", "One", "1m00"),
        ("b", "(no title)", "1m40"),
    ]
    assert [(row.shown, row.busy, row.place) for row in found] == [
        (True, False, 1),
        (False, False, -1),
        (False, True, -1),
    ]


def test_titles_are_equally_wide_in_any_script() -> None:
    titles = [
        "short",
        "x" * 50,
        "关于机器学习的讨论与它的一切",
        "a\x1b[31m\nb",
        "é" * 30,
        "👩" * 20,
    ]
    kept = [{"id": t, "title": t, "updated_at": 0} for t in titles]
    found = rows(kept, [], Talk(), 0.0)
    assert {cell_len(row.title) for row in found} == {WIDTH}
    assert all(row.title.isprintable() for row in found)
