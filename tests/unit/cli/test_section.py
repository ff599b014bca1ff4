from __future__ import annotations

from llmd.cli.section import Section


def test_a_section_may_have_lines_alone() -> None:
    section = Section("files", [("path", "/m.gguf")])
    assert section.headings == ()
    assert section.rows == ()
