from __future__ import annotations

import os
from pathlib import Path

from llmd.models.adoption import folders
from llmd.protocol.adoption import Tool


def touch(*paths: Path) -> list[Path]:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return list(paths)


def test_a_walk_finds_files_and_leaves_hidden_folders(tmp_path: Path) -> None:
    wanted = touch(tmp_path / "a/b/x.gguf", tmp_path / "Y.GGUF")
    touch(tmp_path / ".hidden/z.gguf", tmp_path / "a/readme.md", tmp_path / "a/x.gguf.part")
    assert folders.walk(tmp_path).files == sorted(wanted)


def test_loops_of_links_end_and_links_to_folders_are_followed(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    touch(root / "x.gguf", other / "y.gguf")
    (root / "loop").symlink_to(root)
    (root / "there").symlink_to(other)
    (root / "again").symlink_to(other)
    found = folders.walk(root)
    assert sorted(path.name for path in found.files) == ["x.gguf", "y.gguf"]
    assert found.trouble == ""


def test_a_link_to_nothing_is_a_file_that_will_be_refused(tmp_path: Path) -> None:
    (tmp_path / "gone.gguf").symlink_to("nowhere")
    assert folders.walk(tmp_path).files == [tmp_path / "gone.gguf"]


def test_an_enormous_tree_is_given_up_and_says_so(tmp_path: Path) -> None:
    touch(*(tmp_path / f"{number}.gguf" for number in range(30)))
    found = folders.walk(tmp_path, most=10)
    assert len(found.files) == 10
    assert "only 10 entries" in found.trouble


def test_what_cannot_be_listed_does_not_stop_it(tmp_path: Path, monkeypatch: object) -> None:
    touch(tmp_path / "a/x.gguf", tmp_path / "b/y.gguf")
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)  # type: ignore[attr-defined]
    found = folders.walk(tmp_path)
    assert [path.name for path in found.files] == ["y.gguf"]
    assert "Permission denied" in found.trouble


def test_repositories_are_named_as_on_the_hub(tmp_path: Path) -> None:
    files = touch(
        tmp_path / "acme/tiny-GGUF/tiny-Q8_0.gguf",
        tmp_path / "acme/tiny-GGUF/tiny-Q4_K_M-00001-of-00002.gguf",
        tmp_path / "acme/tiny-GGUF/tiny-Q4_K_M-00002-of-00002.gguf",
        tmp_path / "acme/tiny-GGUF/mmproj-tiny-F16.gguf",
        tmp_path / "acme/odd/one.gguf",
        tmp_path / "loose.gguf",
    )
    finds = folders.published(Tool.LM_STUDIO, tmp_path, files)
    assert {find.name: find.source for find in finds} == {
        "acme/tiny-GGUF:Q8_0": "lm-studio://acme/tiny-GGUF/tiny-Q8_0.gguf",
        "acme/tiny-GGUF:Q4_K_M": "lm-studio://acme/tiny-GGUF/tiny-Q4_K_M-00001-of-00002.gguf",
        "acme/odd:one.gguf": "lm-studio://acme/odd/one.gguf",
        "loose": f"file://{tmp_path}/loose.gguf",
    }


def test_modelscope_writes_dots_in_another_way(tmp_path: Path) -> None:
    files = touch(tmp_path / "Qwen/Qwen2___5-GGUF/q-Q8_0.gguf")
    (find,) = folders.published(Tool.MODELSCOPE, tmp_path, files)
    assert find.name == "Qwen/Qwen2.5-GGUF:Q8_0"
    assert find.source == "modelscope://Qwen/Qwen2.5-GGUF/q-Q8_0.gguf"


def test_an_incomplete_split_model_is_listed_once(tmp_path: Path) -> None:
    files = touch(*(tmp_path / f"big-Q8_0-0000{number}-of-00003.gguf" for number in (2, 3)))
    assert folders.models(files) == files[:1]


def test_hundreds_of_files_in_one_repository_are_named_by_their_files(tmp_path: Path) -> None:
    files = touch(*(tmp_path / f"a/b/m{number}-Q8_0.gguf" for number in range(600)))
    assert folders.published(Tool.LM_STUDIO, tmp_path, files)[0].name == "a/b:m0-Q8_0"
