"""What the daemon tells about itself: structured logs (logs.py) and Prometheus metrics
(metrics.py).

Nouns: `start_logging`, `Metrics`. Knows nothing of what is logged or measured.
"""
