"""`llmd doctor`: looks at everything llmd needs and says how to mend what is wrong."""

import typer

from llmd.cli import options


def doctor(as_json: options.AsJson = False) -> None:
    """Check this machine and the installation; exit code 1 when something must be mended."""
    from llmd.cli import render
    from llmd.cli.checks import Finding, State, run_checks
    from llmd.config.paths import find_paths

    def line(finding: Finding) -> str:
        mend = f"\n      {finding.mend}" if finding.mend else ""
        return f"{finding.state.value.ljust(4)}  {finding.subject}: {finding.found}{mend}"

    findings = []
    for finding in run_checks(find_paths()):
        findings.append(finding)
        if not as_json:
            typer.secho(line(finding), fg=finding.state.colour)
    if as_json:
        render.print_json({"checks": findings})
    if any(finding.state is State.FAIL for finding in findings):
        raise typer.Exit(1)
