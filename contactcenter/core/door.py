"""Where tokens are looked up, and where a flood of them ends before it is.

A token that nobody knows costs a query, and so does a visitor's that is good. So whoever sends many
that are worth nothing waits, and so does whoever sends one more often than anybody has use for.
The count is each node's own: what it spares is this node's connections to the database.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Final

from contactcenter.core import metrics
from contactcenter.core.access import Authenticator, Principal
from contactcenter.core.errors import RateLimited, Unauthenticated
from contactcenter.core.limits import Buckets, Limit, party_of

WORTHLESS_LIMIT: Final = Limit(per_second=10, burst=300)
"""Tokens from one place that are worth nothing: a whole office may come back after a restart."""
TOKEN_LIMIT: Final = Limit(per_second=50, burst=200)
"""How often one token may be shown."""


class Door:
    """Asks an authenticator, but not for everybody."""

    def __init__(
        self, authenticator: Authenticator, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._authenticator = authenticator
        self._worthless = Buckets(WORTHLESS_LIMIT, monotonic=monotonic)
        self._tokens = Buckets(TOKEN_LIMIT, monotonic=monotonic)

    async def principal_of(self, token: str, address: str) -> Principal:
        """The token's holder. Raises Unauthenticated, and RateLimited before anything is asked."""
        party = party_of(address)
        digest = hashlib.blake2b(token.encode(), digest_size=16).digest()
        if wait := self._tokens.take(digest) or self._worthless.take(party):
            metrics.RATE_LIMITED.labels("token").inc()
            raise RateLimited(wait)
        try:
            principal = await self._authenticator.principal_of(token)
        except Unauthenticated:
            raise
        except BaseException:
            self._worthless.give_back(party)
            raise
        if principal is None:
            raise Unauthenticated
        self._worthless.give_back(party)
        return principal
