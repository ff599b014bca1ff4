"""llmd turns one machine into a dependable LLM server.

Three kinds of process: short-lived front ends (`cli`), one daemon (`daemon`, `server`, `services`)
and one worker per loaded model (`runtime.worker`, `engine`). Higher layers import lower ones, never
the reverse:

    __main__ > cli > daemon > server | client > services > runtime > engine | models | chat
             > protocol > telemetry > config > errors
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("llmd")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+source"
