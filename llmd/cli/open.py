"""`llmd open`: the page that the daemon serves, in a browser."""

from typing import Annotated

import typer

from llmd.cli import options

_ANSWER_TIME = 10.0


def open_page(
    admin: Annotated[
        bool, typer.Option("--admin", help="The administration, not the chat.")
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    start: options.AutoStart = True,
) -> None:
    """Open the chat, or the administration, in a browser; the address is printed too."""
    import os

    from llmd.cli import render
    from llmd.cli.connect import client
    from llmd.client import address, browser

    status = client(start=start, timeout=_ANSWER_TIME).get("/control/status")
    url = address.local(status["address"]) + (browser.ADMIN if admin else "/")
    typer.echo(url)
    if no_browser:
        return
    if not browser.has_screen(os.environ):
        render.note("There is no screen here for a browser. On the machine before you:")
        render.note(f"  {browser.way_there(url, os.environ)}")
        render.note(f"and open {browser.by_tunnel(url)} there.")
    elif not browser.show(url):
        render.note("No browser could be started: open the address in one.")
