"""When keys were used last: noted in memory, written once a minute."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from llmd.protocol.accounts import ApiKey
from llmd.services.deferred import Deferred
from llmd.storage.api_keys import KeyRepository

DELAY = 60.0


class LastUsed:
    """Moments that are not in the database yet."""

    def __init__(self, repository: KeyRepository, delay: float = DELAY) -> None:
        self._repository = repository
        self._moments: dict[str, float] = {}
        self._pending = Deferred(self._write, delay)

    def note(self, key: str, moment: float) -> None:
        """Note that the key of this id is used."""
        if key not in self._moments:
            self._pending.add(key)
        self._moments[key] = moment

    def shown(self, key: ApiKey) -> ApiKey:
        """Return a key as it would be if all were written."""
        moment = self._moments.get(key.id)
        return key if moment is None else msgspec.structs.replace(key, last_used=moment)

    async def close(self) -> None:
        """Write what is pending."""
        await self._pending.close()

    async def _write(self, _keys: Sequence[str]) -> None:
        moments, self._moments = self._moments, {}
        await self._repository.used(moments)
