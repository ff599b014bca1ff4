"""The composition root, each object built once and in order: foundation.py (models, workers),
people.py (accounts, limits, what is kept of conversations), bundling.py (the services over both),
process.py (starts, waits for the end, drains and stops), shutdown.py (the wish to stop).

Nouns: `Daemon`, `Foundation`, `People`, `Shutdown`. Nothing else knows all parts.
"""

from llmd.daemon.process import main

__all__ = ["main"]
