from __future__ import annotations

from collections.abc import Iterator

import pytest

from llmd.cli import checks
from llmd.cli.checks import Finding, State
from tests.unit.cli.conftest import Llmd


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    findings = [
        Finding("Python", State.OK, "3.11"),
        Finding("disk", State.WARN, "1 GB free", "`llmd rm MODEL`"),
    ]

    def run_checks(_paths: object) -> Iterator[Finding]:
        yield from findings

    monkeypatch.setattr(checks, "run_checks", run_checks)
    return findings


@pytest.mark.usefixtures("findings")
def test_shows_each_finding_with_how_to_mend_it(llmd: Llmd) -> None:
    assert llmd("doctor") == (
        0,
        "ok    Python: 3.11\nwarn  disk: 1 GB free\n      `llmd rm MODEL`\n",
        "",
    )


def test_fails_when_something_must_be_mended(llmd: Llmd, findings: list[Finding]) -> None:
    findings.append(Finding("llama.cpp", State.FAIL, "crashes", "install it again"))
    assert llmd("doctor").code == 1
    result = llmd("doctor", "--json")
    assert result.code == 1
    assert result.json["checks"][-1] == {
        "subject": "llama.cpp",
        "state": "fail",
        "found": "crashes",
        "mend": "install it again",
    }
