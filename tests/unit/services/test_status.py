from __future__ import annotations

import os

from llmd.services.status import Whereabouts
from tests.unit.services.conftest import Bench


def test_reports_itself(bench: Bench) -> None:
    status = bench.services.status
    status.settle(
        Whereabouts(address="http://127.0.0.1:1", socket="/s", log_file="/l", security="keys")
    )
    report = status.report()
    assert status.report().security == "keys"
    assert (report.pid, report.state, report.address) == (
        os.getpid(),
        "running",
        "http://127.0.0.1:1",
    )
    assert report.grpc == ""
    assert report.llama_cpp == "0.3.36"
    assert report.resident > 0
    assert 0 < report.memory_used < report.memory_total
    bench.gate.close()
    assert status.report().state == "draining"
