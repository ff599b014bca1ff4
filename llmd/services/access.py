"""Who a caller is, and whether they may do what they ask for."""

from __future__ import annotations

from llmd.errors import Forbidden
from llmd.protocol.callers import EVERYTHING, Caller, Credentials, Scope, short_hash


class Access:
    """Turns credentials into callers."""

    async def identify(self, credentials: Credentials) -> Caller:
        """Return who shows these credentials; raise Unauthorized."""
        if credentials.process:
            return Caller(client=credentials.process, trace=credentials.trace, owner=True)
        token = credentials.token
        return Caller(
            client=f"key:{short_hash(token)}" if token else f"address:{credentials.address}",
            trace=credentials.trace,
            address=credentials.address,
            scopes=EVERYTHING - {Scope.ADMIN},
        )

    def permit(self, caller: Caller, scope: Scope | None) -> None:
        """Raise Forbidden unless the caller has the scope."""
        if scope is not None and scope not in caller.scopes:
            raise Forbidden(
                f"This needs the scope {scope}.", hint="Use the key of somebody who has it."
            )
