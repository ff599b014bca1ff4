from __future__ import annotations

from pathlib import Path

import pytest

from llmd.tui.chat.completing import path, suggestion

MODELS = ["qwen3-4b", "qwen3-8b", "tiny"]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("/mo", "del"),
        ("/", ""),
        ("/model", ""),
        ("/model qwen3-8", "b"),
        ("/model x", ""),
        ("/model ", ""),
        ("/nothing x", ""),
        ("Hello", ""),
        ("/mo\n", ""),
    ],
)
def test_commands_and_models_go_on(text: str, rest: str) -> None:
    assert suggestion(text, MODELS) == rest


def test_paths_go_on_to_what_fits(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for name in ("cat.PNG", "cat.txt", ".secret.png", "d\x1bg.png"):
        (tmp_path / name).write_bytes(b"")
    assert suggestion(f"/image {tmp_path}/p", []) == "ictures/"
    assert suggestion(f"/image {tmp_path}/c", []) == "at.PNG"
    assert suggestion(f"/save {tmp_path}/cat.t", []) == "xt"
    assert suggestion(f"/load {tmp_path}/c", []) == ""
    assert suggestion(f"/image {tmp_path}/d", []) == ""
    assert suggestion(f"/image {tmp_path}/.s", []) == "ecret.png"
    assert path(f"{tmp_path}/nowhere/x") == path("~nobody-there/x") == path("a\0b/") == ""
