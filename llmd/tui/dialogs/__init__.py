"""Dialogs over the pages; each is a screen that ends with a value, or None when it is left.

`Dialog` (dialog.py) is the frame; `Confirm` asks, `Choose` lets one be taken of several,
`PullDialog` names what to fetch, `LoadDialog` plans before it loads, `QuantizeDialog` shows what
sizes there are, `KeyDialog` and `UserDialog` make accounts, `SecretDialog` shows a secret once.
They ask the daemon for what they show, and change nothing: pages do that with what they end with.
"""

from llmd.tui.dialogs.choose import Choose
from llmd.tui.dialogs.confirm import Confirm
from llmd.tui.dialogs.load import LoadDialog, LoadOrder
from llmd.tui.dialogs.new_key import KeyDialog
from llmd.tui.dialogs.new_user import UserDialog
from llmd.tui.dialogs.pull import PullDialog, PullOrder
from llmd.tui.dialogs.quantize import QuantizeDialog, QuantizeOrder
from llmd.tui.dialogs.secret import SecretDialog

__all__ = [
    "Choose",
    "Confirm",
    "KeyDialog",
    "LoadDialog",
    "LoadOrder",
    "PullDialog",
    "PullOrder",
    "QuantizeDialog",
    "QuantizeOrder",
    "SecretDialog",
    "UserDialog",
]
