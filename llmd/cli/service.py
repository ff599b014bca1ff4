"""`llmd service install remove status`: the daemon in the hands of systemd or launchd."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmd.cli import options

if TYPE_CHECKING:
    from llmd.cli.launchd import Launchd
    from llmd.cli.steps import Step
    from llmd.cli.systemd import Systemd
    from llmd.cli.units import Particulars
    from llmd.config.paths import Paths

app = typer.Typer(
    help="Have systemd or launchd run the daemon: install, remove, status.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

System = Annotated[
    bool,
    typer.Option(
        "--system",
        help="For all users of the machine (Linux); who is not root gets a script to give to root.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]


@app.command()
def install(
    system: System = False,
    at_login: Annotated[
        bool,
        typer.Option(
            "--at-login",
            help="Start with the session (with the machine), not with the first connection.",
        ),
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Have the daemon started when it is needed, and again when it ends in any other way than by
    `llmd stop`; may be repeated, as after an update.
    """
    from llmd.client.sleep import runs
    from llmd.config.paths import find_paths

    manager = _manager(find_paths(), system=system)
    if system and os.getuid():
        _print_script(manager.anew(at_login=at_login))
        return
    manager.check()
    steps = manager.install(at_login=at_login, runs=not system and runs(find_paths()))
    if not steps:
        typer.echo("llmd is installed as a service already, just so")
        return
    _do(steps, dry_run=dry_run)
    if not dry_run:
        _tell(at_login=at_login or manager.name == "launchd", system=system)


@app.command()
def remove(system: System = False, dry_run: DryRun = False) -> None:
    """Take the service away; models, settings and conversations stay."""
    from llmd.config.paths import find_paths

    manager = _manager(find_paths(), system=system)
    if system and os.getuid():
        _print_script(manager.removal())
        return
    manager.check()
    steps = manager.remove()
    if not steps:
        typer.echo("llmd is not installed as a service")
        return
    _do(steps, dry_run=dry_run)
    if not dry_run:
        typer.echo("the service is removed; commands start the daemon by themselves again")


@app.command()
def status(system: System = False, as_json: options.AsJson = False) -> None:
    """Show whether llmd is installed as a service and how it is; exit code 1 when it is not."""
    from llmd.cli import render
    from llmd.config.paths import find_paths

    manager = _manager(find_paths(), system=system)
    manager.check()
    report = manager.status()
    if as_json:
        render.print_json(report)
    else:
        _print_status(report)
    if not report["installed"]:
        raise typer.Exit(1)


def _manager(paths: "Paths", *, system: bool) -> "Systemd | Launchd":
    """Return what runs services here, with the files that this llmd wants."""
    if sys.platform == "darwin":
        return _launchd(paths, system=system)
    from llmd.cli import units
    from llmd.cli.systemd import Systemd
    from llmd.client.sleep import units_dir

    if system:
        return Systemd(_for_the_machine(), system=True)
    wanted, folder = _wanted(paths), units_dir(os.environ)
    return Systemd({folder / name: units.unit(name, wanted) for name in units.USER_UNITS})


def _launchd(paths: "Paths", *, system: bool) -> "Launchd":
    from llmd.cli import units
    from llmd.cli.launchd import Launchd
    from llmd.errors import LlmdError

    if system:
        raise LlmdError("On macOS llmd is an agent of each user.", hint="Leave --system out.")
    folder = Path("~/Library/LaunchAgents").expanduser()
    return Launchd(folder / f"{units.LABEL}.plist", units.agent(_wanted(paths)))


def _wanted(paths: "Paths") -> "Particulars":
    from llmd.cli.installation import particulars
    from llmd.config.store import load_settings

    return particulars(paths, load_settings(paths.config_file).settings, os.environ)


def _for_the_machine() -> dict[Path, str]:
    from llmd.cli import installation, units
    from llmd.config.store import load_settings

    folder = Path("/etc/systemd/system")
    settings = load_settings(Path("/etc/llmd/config.toml"), {}).settings
    made = units.system_units(installation.machine_wide(settings))
    return {
        Path("/etc/sysusers.d/llmd.conf"): units.template("llmd.sysusers"),
        **{folder / name: text for name, text in made.items()},
    }


def _print_script(steps: "Sequence[Step]") -> None:
    from llmd.cli import render
    from llmd.cli.steps import script

    typer.echo(script(steps), nl=False)
    render.note("Only root can do this: look at the script above and give it to root's sh.")


def _do(steps: "Sequence[Step]", *, dry_run: bool) -> None:
    from llmd.cli.steps import perform, shown

    for step in steps:
        typer.echo(f"would {shown(step)}" if dry_run else shown(step))
        if not dry_run:
            perform(step)


def _tell(*, at_login: bool, system: bool) -> None:
    from llmd.cli import installation, render

    whom = "the machine" if system else "your session"
    when = f"with {whom}" if at_login else "with the first connection or command"
    typer.echo(f"llmd is installed as a service: it starts {when}")
    if not system and sys.platform != "darwin":
        render.note("It ends when you log out, unless `loginctl enable-linger` has been called.")
    if left := [] if system else installation.left_behind(os.environ):
        render.note(
            f"The service does not get {', '.join(left)} of this shell's environment: see "
            "`llmd config set`, and the file `environment` beside config.toml for secrets."
        )


def _print_status(report: dict[str, Any]) -> None:
    from llmd.cli import render

    if not report["installed"]:
        typer.echo(f"llmd is not installed as a service of {report['manager']}")
        return
    current = "" if report["current"] else "not as this llmd would write it: install it again"
    render.fields(
        [
            ("service", f"{report['manager']}, {report['scope']}"),
            ("starts", _starts(report)),
            ("state", f"{report['state']}{_process(report['pid'])}"),
            *(("file", path) for path in report["files"]),
            ("note", current),
            ("log", f"`{report['log']}`"),
        ]
    )


def _starts(report: dict[str, Any]) -> str:
    if report["at_login"]:
        return "with the machine" if report["scope"] == "system" else "with the session"
    if not report["enabled"]:
        return "never: it is disabled"
    return "with the first connection" + ("" if report["listening"] else ", but nothing listens")


def _process(pid: int | None) -> str:
    return f", process {pid}" if pid else ""
