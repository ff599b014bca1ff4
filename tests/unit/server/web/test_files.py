from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from llmd.server.web.files import Files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "base.js").write_text("let x = 1;\n" * 500)
    (tmp_path / "small.css").write_text("a{}")
    (tmp_path / "README.md").write_text("not for browsers")
    return tmp_path


def test_files_are_known_by_their_path_with_their_type(root: Path) -> None:
    found = Files(root).get("js/base.js")
    assert found
    assert found.kind == "text/javascript; charset=utf-8"
    assert gzip.decompress(found.packed) == found.body


def test_what_gains_nothing_is_not_packed(root: Path) -> None:
    found = Files(root).get("small.css")
    assert found
    assert found.packed == b""


@pytest.mark.parametrize(
    "name", ["README.md", "../small.css", "js", "js/none.js", "", "/small.css"]
)
def test_nothing_else_can_be_had(root: Path, name: str) -> None:
    assert Files(root).get(name) is None


def test_a_change_of_any_file_changes_where_all_of_them_are(root: Path) -> None:
    before = Files(root)
    assert before.url("small.css") == f"/web/files/{before.version}/small.css"
    (root / "js" / "base.js").write_text("other")
    assert Files(root).version != before.version
    (root / "js" / "base.js").rename(root / "js" / "moved.js")
    assert Files(root).version != before.version


def test_the_version_is_the_same_each_time(root: Path) -> None:
    assert Files(root).version == Files(root).version


def test_a_template_that_names_a_file_in_vain_is_a_mistake(root: Path) -> None:
    with pytest.raises(KeyError):
        Files(root).url("js/none.js")


def test_the_package_has_what_every_page_needs() -> None:
    files = Files()
    for name in ("css/base.css", "js/base.js", "llmd.svg", "vendor/htmx.min.js"):
        assert files.url(name)
