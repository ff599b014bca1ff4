"""Shows how a model is loaded before it is asked, so that a first answer is not a silent wait."""

import sys

from llmd.cli import loudness, progress
from llmd.client.client import Client


def show_loading(client: Client, model: str | None) -> None:
    """Load the model with a progress bar; without a terminal the request itself loads it just as
    well.
    """
    if sys.stderr.isatty() and not loudness.quiet():
        with client.stream_lines("/control/load", {"model": model}) as events:
            progress.load_bar(events)
