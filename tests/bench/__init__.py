"""Benchmarks: each compares llmd with a peer or a limit in the same run and prints ratios of
medians.

serving.py: throughput and latency of `/v1` against llama-server and llama-cpp-python's own server;
load.py makes the load. Nothing here is a test; CI does not run it.
"""
