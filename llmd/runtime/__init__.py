"""Worker processes: started, fed, watched, replaced and stopped; several models, one memory.

Daemon side: pool.py (leases of loaded models) with arranger.py (makes room), turnover.py and
opening.py (load, unload, mend), residence.py (one model's place), residency/ (pure: who stays),
cores.py (who computes shares the cores);
planning.py (`Planner`), vigil.py (outside pressure); workers.py (`Worker`, what may be asked of
any), replay.py (a request outlives its worker), process.py and link.py (one child), mailbox.py,
accounting.py (what the system counts of processes), supervisor.py (pure: stalls, causes of death).
Child side: worker/ (main, loop, requests to sequences), channel.py. Knows nothing of HTTP or of how
models are stored.
"""
