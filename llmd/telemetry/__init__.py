"""What the daemon tells about itself: structured logs (logs.py; log_file.py reads them again) and
Prometheus metrics (metrics.py).

Nouns: `start_logging`, `Metrics`. Knows nothing of what is logged or measured.
"""
