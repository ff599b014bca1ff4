"""Moves bytes from servers onto the disk; used by every source program. The daemon looks at
`journal`, `partial` and `pieces` alone.

`Transfer` (`fetching`) takes a `Remote` and gives a `Stored`. Underneath: `partial` is a sparse
file with its `journal` of `spans`, for one process at a time, and `writeback` to the disk; a `crew`
of `lane`s, each an `exchange` with a server, fills it as `lanes` decides; `following` computes the
digest behind them and finds damage; `budget` keeps the pace, `patience` says when to try again,
`room` whether it fits. `pieces` keeps what is needed to mend a finished file. Nothing here knows
any source. Where `Terms.look` is set nothing is fetched: `check_room` says what it would be, and
raises `Looked`.
"""

from llmd.models.sources.transfer.faults import Refused
from llmd.models.sources.transfer.fetching import Looked, Transfer
from llmd.models.sources.transfer.remote import Remote, Reply, Stored

__all__ = ["Looked", "Refused", "Remote", "Reply", "Stored", "Transfer"]
