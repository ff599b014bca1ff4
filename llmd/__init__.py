"""llmd turns one machine into a dependable LLM server.

Three kinds of process: short-lived front ends (`cli`), one daemon (`daemon`, `server`, `services`)
and one worker per loaded model (`runtime.worker`, `engine`). Higher layers import lower ones, never
the reverse:

    __main__ > cli > daemon > server | client > services > runtime > engine | models | chat
             > protocol > telemetry > config > errors
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """Find the version when it is asked for: what reads it costs more to import than a shell
        may wait for a completion.
        """
        if name != "__version__":
            raise AttributeError(f"module 'llmd' has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  as above

        try:
            return version("llmd")
        except PackageNotFoundError:  # a source tree that was never installed
            return "0+source"
