"""What the pages say stands in languages/, in each language alike; what they do stands in files of its own."""

from __future__ import annotations

import re
import string
from functools import cache
from pathlib import Path

import pytest

from llmd.server.web import words
from llmd.server.web.words import LANGUAGES
from tests.architecture.conftest import PACKAGE

WEB = PACKAGE / "server" / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
SCRIPTS = sorted((WEB / "static" / "js").rglob("*.js"))
CODE = sorted(WEB.rglob("*.py"))

ALL = words.load()
NAMES = set(words._read("en"))

SAID = re.compile(
    r"""(?<![\w.])(?:t|said)\(\s*f?(?P<quote>['"`])(?P<name>[^'"`]*)(?P=quote)\s*(?P<more>[~+]?)"""
)
QUOTED = re.compile(r"""['"`]([a-z_]+(?:\.[a-z0-9_]+)+)['"`]""")
OUTSIDE = set("llmd llmd- API gRPC HTTP llama llama-cpp-python qwen kB MB GB".split())
"""The names of things, the same in all languages."""


def name(path: Path) -> str:
    return path.relative_to(WEB).as_posix()


@cache
def said(path: Path) -> list[re.Pattern[str]]:
    """What a file says, each as a pattern: parts that are put together later may be anything."""
    found = []
    for match in SAID.finditer(path.read_text("utf-8")):
        plain = re.split(r"\$?\{[^}]*\}", match["name"]) + ([""] if match["more"] else [])
        found.append(re.compile(".+".join(map(re.escape, plain))))
    return found


def figures(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def test_all_languages_say_the_same_things() -> None:
    others = [code for code in LANGUAGES if code != "en"]
    for code in others:
        for part in {one.partition(".")[0] for one in NAMES}:
            assert set(ALL[code].below(part)) == set(ALL["en"].below(part)), f"{code}: {part}"


@pytest.mark.parametrize("code", LANGUAGES)
def test_all_languages_put_in_the_same_figures(code: str) -> None:
    wrong = [one for one in NAMES if figures(ALL[code](one)) != figures(ALL["en"](one))]
    assert sorted(wrong) == []
    assert [one for one in NAMES if not ALL[code](one).strip()] == []


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS, *CODE], ids=name)
def test_everything_that_is_said_stands_in_the_languages(path: Path) -> None:
    assert [one.pattern for one in said(path) if not any(map(one.fullmatch, NAMES))] == []


def test_nothing_stands_there_that_nobody_says() -> None:
    paths = [*TEMPLATES, *SCRIPTS, *CODE]
    literal = {one for path in paths for one in QUOTED.findall(path.read_text("utf-8"))}
    patterns = [one for path in paths for one in said(path)]
    dead = [
        one for one in NAMES - literal if not any(pattern.fullmatch(one) for pattern in patterns)
    ]
    assert sorted(dead) == []


def extended(path: Path) -> list[Path]:
    """A template and all that it is made of."""
    text = path.read_text("utf-8")
    names = re.findall(r"""{%-?\s*(?:extends|include|import|from)\s+['"]([^'"]+)['"]""", text)
    below = [one for found in names for one in extended(WEB / "templates" / found)]
    return [path, *below]


def imported(script: Path, seen: frozenset[Path] = frozenset()) -> frozenset[Path]:
    """A script and all that it imports, however far away."""
    if script in seen:
        return seen
    seen |= {script}
    text = script.read_text("utf-8")
    for found in re.findall(r"""(?:from|import\(|import)\s*['"](\.[^'"]+)['"]""", text):
        seen = imported((script.parent / found).resolve(), seen)
    return seen


@pytest.mark.parametrize(
    "path", [path for path in TEMPLATES if "{% extends" in path.read_text("utf-8")], ids=name
)
def test_a_page_hands_its_scripts_the_words_that_they_say(path: Path) -> None:
    text = "\n".join(one.read_text("utf-8") for one in extended(path))
    spoken = re.search(r"{% set spoken = \[(.*?)\] %}", text)
    parts = {"live"} | set(re.findall(r"['\"]([a-z_]+)['\"]", spoken[1] if spoken else ""))
    roots = re.findall(r"""<script[^>]*file\('(js/[^']+)'\)""", text)
    scripts = {one for root in roots for one in imported(WEB / "static" / root)}
    needed = {
        one.pattern.replace("\\", "").partition(".")[0]
        for script in scripts
        for one in said(script)
    }
    assert needed <= parts


def plain(template: str) -> str:
    """The text between the tags, as far as it is the same for everybody."""
    for outside in (
        r"{#.*?#}",
        r"{% block kind %}.*?{% endblock %}",
        r"{%.*?%}",
        r"{{.*?}}",
        r"<(script|code|kbd)\b.*?</\1>",
        r"<[^>]*>",
        r"\b[a-z-]+=([\"']).*?\1",
    ):
        template = re.sub(outside, " ", template, flags=re.DOTALL)
    return re.sub(r"&\w+;", " ", template)


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_no_text_stands_in_a_template(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [one for one in re.findall(r"[^\W\d_][\w-]+", plain(text)) if one not in OUTSIDE] == []
    shown = re.sub(r"{{.*?}}|{%.*?%}", "", text, flags=re.DOTALL)
    labels = re.findall(r'\b(?:title|aria-label|placeholder|alt)="([^"]*)"', shown)
    found = [one for label in labels for one in re.findall(r"[^\W\d_]{2,}", label)]
    assert set(found) - OUTSIDE - {"Alt", "Ctrl", "Enter", "Esc", "Shift"} == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_templates_have_no_script_style_or_handler_of_their_own(path: Path) -> None:
    text = path.read_text("utf-8")
    inline = re.findall(r"<script(?![^>]*(?:\bsrc=|application/json))[^>]*>", text)
    assert inline == []
    assert re.findall(r"<style\b|\sstyle=|javascript:|\shx-on|\shx-vals=['\"]js", text) == []
    assert re.findall(r"<[^>]*\son[a-z]+\s*=", text) == []
    assert re.findall(r"\|\s*safe\b|autoescape|Markup\(", text) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_scripts_make_no_code_of_text(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.findall(r"\beval\(|new Function\(|document\.write|setTimeout\(\s*['\"`]", text) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_markup_is_made_of_text_in_one_place_of_the_chat_only(path: Path) -> None:
    text = path.read_text("utf-8")
    found = re.findall(
        r"\.(?:innerHTML|outerHTML)\s*\+?=|insertAdjacentHTML|createContextualFragment", text
    )
    assert found == [] or "DOMPurify.sanitize" in text
