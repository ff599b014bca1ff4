"""What llmd hands to browsers and has not written is what was published, with its licence beside it."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.conftest import ROOT, project

WEB = ROOT / "packaging" / "web"
PACKAGES: list[dict[str, Any]] = tomllib.loads((WEB / "packages.toml").read_text("utf-8"))[
    "package"
]
SUMS = {
    path: digest
    for digest, path in (
        line.split("  ") for line in (WEB / "SHA256SUMS").read_text("utf-8").splitlines()
    )
}
OWN = {
    "llmd/server/openapi/pages": {
        *{"README.txt", "pages.css", "redoc.html", "redoc.js", "swagger.html", "swagger.js"}
    },
    "llmd/server/web/static/vendor": set(),
}
"""What lies beside them and is llmd's."""


def title(package: dict[str, Any]) -> str:
    return str(package["name"])


def test_every_file_is_as_it_was_published() -> None:
    found = {path: hashlib.sha256((ROOT / path).read_bytes()).hexdigest() for path in SUMS}
    assert found == SUMS


def test_nothing_else_lies_there() -> None:
    named = {f"{one['into']}/{name}" for one in PACKAGES for name in one["files"].values()}
    assert named == set(SUMS)
    for folder, own in OWN.items():
        lying = {path.name for path in (ROOT / folder).iterdir() if path.is_file()} - own
        assert lying == {Path(path).name for path in SUMS if Path(path).parent == Path(folder)}


@pytest.mark.parametrize("package", PACKAGES, ids=title)
def test_a_package_is_named_so_exactly_that_it_can_be_fetched_again(
    package: dict[str, Any],
) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
    algorithm, _, digest = package["integrity"].partition("-")
    assert algorithm == "sha512"
    assert len(base64.b64decode(digest, validate=True)) == 64


@pytest.mark.parametrize("package", PACKAGES, ids=title)
def test_a_package_has_its_licence_beside_it(package: dict[str, Any]) -> None:
    [licence] = [name for inside, name in package["files"].items() if inside == "LICENSE"]
    text = (ROOT / package["into"] / licence).read_text("utf-8")
    words = {
        "0BSD": "with or without fee",
        "MIT": "without restriction",
        "Apache-2.0": "Apache License",
        "BSD-3-Clause": "Redistribution and use",
    }
    first = package["licence"].partition(" AND ")[0]
    assert words[first] in " ".join(text.split())


def test_the_wheel_names_all_licences_and_has_their_texts() -> None:
    declared = set(project()["project"]["license"].split(" AND "))
    assert declared == {"Apache-2.0"} | {
        part for one in PACKAGES for part in one["licence"].split(" AND ")
    }
    patterns = project()["project"]["license-files"]
    texts = {path for pattern in patterns for path in ROOT.glob(pattern)}
    assert {ROOT / path for path in SUMS if re.search(r"LICENSE|NOTICE", path)} <= texts


@pytest.mark.parametrize("package", PACKAGES, ids=title)
def test_the_debian_package_tells_of_it(package: dict[str, Any]) -> None:
    told = (ROOT / "packaging" / "deb" / "copyright").read_text("utf-8")
    for path in SUMS:
        if path.startswith(package["into"]) and path.endswith((".js", ".css")):
            assert Path(path).name.partition(".")[0] in told
