"""The memory of the bodies of all requests: taken as their bytes arrive, with a bound in all and for each client."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

BODIES_AT_A_TIME = 4


class BodyBudget:
    """Limits the bytes of all bodies in memory; other requests wait until there is room.

    Requests whose bodies arrive at the same time could each wait for the others. So the request that began to send
    first never waits, nor does the first of a client for the others of that client: each limit is exceeded by one body
    at most.

    Args:
        body_bytes: Maximum size of a body.
    """

    def __init__(self, body_bytes: int) -> None:
        self._total = BODIES_AT_A_TIME * body_bytes
        self._changed = asyncio.Condition()
        # In the order of their first bytes: a dict keeps its order.
        self._shares: dict[Share, None] = {}
        self._of_client: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """Bytes in memory."""
        return self._of_client.total()

    @contextlib.asynccontextmanager
    async def share(self, client: str) -> AsyncIterator[Share]:
        """The share of one request of a client; its bytes are given back at the end of the block."""
        share = Share(self, client)
        try:
            yield share
        finally:
            async with self._changed:
                self._shares.pop(share, None)
                self._of_client[client] -= share.size
                if not self._of_client[client]:
                    del self._of_client[client]
                self._changed.notify_all()

    async def take(self, share: Share, size: int) -> None:
        """Adds bytes to a share, as soon as there is room."""
        self._shares.setdefault(share)
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room(share, size))
            self._of_client[share.client] += size
            share.size += size

    def _has_room(self, share: Share, size: int) -> bool:
        if next(iter(self._shares)) is share:
            return True
        if self.taken + size > self._total:
            return False
        first = next(its for its in self._shares if its.client == share.client)
        return first is share or self._of_client[share.client] + size <= self._total // 2


class Share:
    """The bytes of one request in memory.

    Attributes:
        client: The client's address.
        size: The bytes.
    """

    def __init__(self, budget: BodyBudget, client: str) -> None:
        self._budget = budget
        self.client = client
        self.size = 0

    async def take(self, size: int) -> None:
        """Adds bytes to the share, as soon as there is room."""
        await self._budget.take(self, size)
