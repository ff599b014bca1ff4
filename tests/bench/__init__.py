"""Benchmarks: each compares llmd with a peer or a limit in the same run and prints ratios of
medians.

serving.py: throughput and latency of `/v1` against llama-server and llama-cpp-python's own server,
under the load of `llmd bench` (llmd/client/load.py). Nothing here is a test; CI does not run it.
"""
