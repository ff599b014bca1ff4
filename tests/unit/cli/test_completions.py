from __future__ import annotations

from pathlib import Path

import pytest

from llmd.cli.completions import FILES, script, write

COMPLETIONS = Path(__file__).parents[3] / "completions"


@pytest.mark.parametrize(("shell", "name"), FILES.items())
def test_the_files_in_the_repository_are_fresh(shell: str, name: str) -> None:
    fresh = "run `python -m llmd.cli.completions completions`"
    assert (COMPLETIONS / name).read_text(encoding="utf-8") == script(shell), fresh


def test_writes_one_file_per_shell(tmp_path: Path) -> None:
    write(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(FILES.values())
