"""Stamps that show where a form comes from: a page that llmd has served to this very browser.

HMAC-SHA256 over what tells the browser apart, under this installation's secret (the pattern of
OWASP's cross-site request forgery cheat sheet: tokens bound to the visit by an HMAC). Pure.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

_PURPOSE = b"llmd web stamp\0"


def stamp(secret: bytes, visit: str) -> str:
    """Return the stamp of a visit, URL-safe text that tells nothing of either."""
    digest = hmac.new(secret, _PURPOSE + visit.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii")


def same(secret: bytes, visit: str, shown: str) -> bool:
    """Whether what was shown is the stamp of this visit."""
    return hmac.compare_digest(stamp(secret, visit).encode(), shown.encode("utf-8", "replace"))
