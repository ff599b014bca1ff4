"""Long work on models that goes on when nobody watches: downloads, quantising, loading, checking.

Nouns: `Order` (what to do), `Job` (one order and how it stands), `Jobs` (all of them), `Hands` (the
services that do it), `Unfinished` (downloads that a later daemon may take up again). A job belongs
to the daemon and not to the page that began it; equal orders are one job; what has failed stays
until it is dismissed. Knows no page.
"""

from llmd.services.jobs.desk import Jobs
from llmd.services.jobs.hands import Hands
from llmd.services.jobs.orders import (
    CheckOrder,
    Job,
    LoadOrder,
    Order,
    PullOrder,
    QuantizeOrder,
    Stage,
)
from llmd.services.jobs.unfinished import Unfinished

__all__ = [
    "CheckOrder",
    "Hands",
    "Job",
    "Jobs",
    "LoadOrder",
    "Order",
    "PullOrder",
    "QuantizeOrder",
    "Stage",
    "Unfinished",
]
