"""Which models share the memory of a machine: decisions of the pool, all pure, clocks passed in.

`Ledger` knows every model's stage, users and waiting line (ledger.py) and asks `decide` who may
load, who must go and who waits (policy.py), with what `History` expects to be asked for next
(history.py). `Dispatch` shares requests out between the workers of one model (dispatch.py),
`Strain` says what outside pressure on memory calls for (pressure.py), and wishes.py compares how a
model is loaded with how somebody wants it. Knows no processes, clocks, files or event loop.
"""

from llmd.runtime.residency.dispatch import Dispatch
from llmd.runtime.residency.history import History
from llmd.runtime.residency.ledger import Entry, Ledger, Stage
from llmd.runtime.residency.policy import SLOT, Decision, Demand, Needs, Resident, decide

__all__ = [
    "SLOT",
    "Decision",
    "Demand",
    "Dispatch",
    "Entry",
    "History",
    "Ledger",
    "Needs",
    "Resident",
    "Stage",
    "decide",
]
