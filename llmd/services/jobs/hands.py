"""Who does the work: one service for each kind of order."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from llmd.services.jobs.orders import CheckOrder, Event, LoadOrder, Order, PullOrder, QuantizeOrder
from llmd.services.pulls import Pulls
from llmd.services.quantization import Quantization
from llmd.services.residents import Residents
from llmd.services.verification import Verification


class Hands:
    """Begins what is ordered; closing what it returns leaves the work, as those services say."""

    def __init__(
        self,
        pulls: Pulls,
        quantization: Quantization,
        residents: Residents,
        verification: Verification,
    ) -> None:
        self._pulls = pulls
        self._quantization = quantization
        self._residents = residents
        self._verification = verification

    def __call__(self, order: Order) -> AsyncGenerator[Event]:
        """Do what is ordered."""
        match order:
            case PullOrder():
                return self._pulls.pull(order.model, order.limit, now=order.now)
            case QuantizeOrder():
                return self._quantization.quantize(order.model, order.recipe, order.name or None)
            case LoadOrder():
                return self._residents.load(order.model, order.options)
            case CheckOrder():
                return self._verification.verify([order.model], repair=order.repair)
