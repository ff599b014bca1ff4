"""The `llmd` script and `python -m llmd`."""

from __future__ import annotations

import sys

_VERSION_FLAGS = (["--version"], ["-V"])
_COMPLETE = "__complete"


def main() -> int:
    """Run the command line and return its exit code; asking for the version or a completion skips
    even the command parser.
    """
    if sys.argv[1:] in _VERSION_FLAGS:
        from llmd import __version__

        print(f"llmd {__version__}")
        return 0
    if sys.argv[1:2] == [_COMPLETE]:
        from llmd.cli.completing.answering import main as complete

        return complete(sys.argv[2:])
    try:
        from llmd.cli.main import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules are still being imported
        return 130


if __name__ == "__main__":
    sys.exit(main())
