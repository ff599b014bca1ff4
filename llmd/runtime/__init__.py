"""Worker processes: one per loaded model, started, fed, watched, replaced and stopped.

Daemon side: workers.py (`Worker`, what may be asked of any worker), pool.py (loaded models,
joining, keep-alive, eviction), replay.py (a request outlives the worker that died under it),
process.py and link.py (one child and its socketpair), mailbox.py (events of one request),
supervisor.py (pure: stalls, back-off, causes of death). Child side: worker/ (main, loop, requests
to sequences), channel.py (blocking frames). Knows nothing of HTTP or of how models are stored.
"""
