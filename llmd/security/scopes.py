"""What roles and keys may do."""

from __future__ import annotations

from collections.abc import Iterable

from llmd.errors import Forbidden
from llmd.protocol.callers import EVERYTHING, USUAL, Role, Scope

OPEN = EVERYTHING - {Scope.ADMIN}
"""What anybody may do where no keys are asked for."""

_OF_ROLE = {Role.ADMIN: EVERYTHING, Role.USER: USUAL}


def of_role(role: Role) -> frozenset[Scope]:
    """Return all that an account of this role may do."""
    return _OF_ROLE[role]


def effective(key: Iterable[Scope], role: Role | None) -> frozenset[Scope]:
    """Return what a key may do: no more than its user may, if it has one."""
    return frozenset(key) if role is None else frozenset(key) & of_role(role)


def grantable(wanted: Iterable[Scope] | None, role: Role | None) -> frozenset[Scope]:
    """Return the scopes of a new key; None: all that its user may do, or what is usual where it has
    no user. Raises Forbidden for more than its user may.
    """
    most = EVERYTHING if role is None else of_role(role)
    if wanted is None:
        return USUAL if role is None else most
    scopes = frozenset(wanted)
    if beyond := sorted(scopes - most):
        raise Forbidden(
            f"A key of this user cannot have {', '.join(beyond)}.",
            hint="Make it for an admin, or for no user.",
            scopes=beyond,
        )
    return scopes
