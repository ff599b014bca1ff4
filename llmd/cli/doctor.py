"""`llmd doctor`: looks at everything llmd needs and says how to mend what is wrong."""

from typing import Annotated

import typer

from llmd.cli import options


def doctor(
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Mend first what can be mended without losing anything."),
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Check this machine and the installation; exit code 1 when something must be mended."""
    from llmd.cli import render
    from llmd.cli.checks import Finding, State, run_checks
    from llmd.cli.mending import mend
    from llmd.config.paths import find_paths

    paths = find_paths()
    mended = []
    for deed in mend(paths) if fix else ():
        mended.append(deed)
        if not as_json:
            typer.secho(f"fixed {deed}", fg="green")

    def line(finding: Finding) -> str:
        mend = f"\n      {finding.mend}" if finding.mend else ""
        return f"{finding.state.value.ljust(4)}  {finding.subject}: {finding.found}{mend}"

    findings = []
    for finding in run_checks(paths):
        findings.append(finding)
        if not as_json:
            typer.secho(line(finding), fg=finding.state.colour)
    if as_json:
        render.print_json({"fixed": mended, "checks": findings})
    if any(finding.state is State.FAIL for finding in findings):
        raise typer.Exit(1)
