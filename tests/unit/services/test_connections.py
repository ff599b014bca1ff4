from __future__ import annotations

from llmd.services.connections import Connections
from llmd.telemetry.metrics import Metrics


def test_connections_are_counted_while_they_are_open() -> None:
    metrics = Metrics()
    connections = Connections(metrics)
    assert connections.enter(trusted=False)
    assert connections.enter(trusted=True)
    assert connections.open == 2
    assert "active_connections 2.0" in metrics.render().decode()
    connections.leave(trusted=True)
    connections.leave(trusted=False)
    assert connections.open == 0


def test_there_are_so_many_and_the_owner() -> None:
    connections = Connections(Metrics(), most=2)
    assert [connections.enter(trusted=False) for _ in range(3)] == [True, True, False]
    assert connections.enter(trusted=True)
    connections.leave(trusted=False)
    assert connections.enter(trusted=False)
