"""Stand-ins for what a test cannot have: a model hub (hub.py), a daemon (daemon.py), models of any shape (random_model.py).

Each speaks the real protocol or writes the real format; nothing of llmd is replaced by them.
"""
