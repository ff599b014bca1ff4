"""Warm prefixes on disk: what a model remembers of a text outlives its process.

A `Snapshot` is a sequence's state with the tokens it stands for; transfer.py takes it out of a
context and puts it back. format.py is one file of it, written atomically and verified byte for byte
before llama.cpp sees it; index.py finds the file that shares most with a prompt (pure); store.py
keeps the directory within its bounds. fingerprints.py says which files a context can read. Nothing
here may fail a request: what cannot be saved or read back is computed again. Knows nothing of the
prefix cache in memory, of requests, or of when to save.
"""

from llmd.engine.cache_files.fingerprints import fingerprint as fingerprint
from llmd.engine.cache_files.snapshot import Checkpoint as Checkpoint
from llmd.engine.cache_files.snapshot import Snapshot as Snapshot
from llmd.engine.cache_files.store import Bounds as Bounds
from llmd.engine.cache_files.store import CacheFiles as CacheFiles
from llmd.engine.cache_files.store import Found as Found
from llmd.engine.cache_files.transfer import checkpoint as checkpoint
from llmd.engine.cache_files.transfer import restore as restore
from llmd.engine.cache_files.transfer import take as take
