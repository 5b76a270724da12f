"""Calling a webhook: signed, and only where the public internet is.

Whoever writes a workflow chooses the address, so it must not reach what only this machine can: each
address that a name leads to is looked at when the connection is made (a name may lead elsewhere
than a moment ago), and no redirect is followed. Signatures follow Standard Webhooks 1.0.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

SECONDS: Final = 10.0
PREFIX: Final = "whsec_"
MOST_READ: Final = 16 * 1024
RETRIED: Final = frozenset({408, 425, 429})

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Allowed = Callable[[IpAddress], bool]
_TRANSLATED: Final = tuple(
    map(
        ipaddress.ip_network,
        ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
    )
)


class Refused(Exception):  # noqa: N818 -- what happened
    """It cannot be called, now or later."""


class Failed(Exception):  # noqa: N818 -- what happened
    """It did not answer as it should; another attempt may help."""


def is_public(address: IpAddress) -> bool:
    """Whether an address is somebody's on the public internet; an IPv4 one in disguise is not."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast


class _Guarded(AbstractResolver):
    """Gives only addresses that may be reached."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        kept = [one for one in found if self._allowed(ipaddress.ip_address(one["host"]))]
        if not kept:
            raise Refused("address_not_public")
        return kept

    async def close(self) -> None:
        await self._resolver.close()


class Webhooks:
    def __init__(self, allowed: Allowed = is_public) -> None:
        self._allowed = allowed

    async def call(
        self, url: str, payload: Mapping[str, Any], *, message_id: str, timestamp: int, secret: str
    ) -> int:
        """POST it; the status of the answer. Raises Refused, or Failed when it may be tried again.

        `message_id` is the same in every attempt: a receiver that has it already ignores the call.
        """
        target = self._looked_at(url)
        body = orjson.dumps(payload, default=str)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, message_id, timestamp, body),
        }
        connector = aiohttp.TCPConnector(resolver=_Guarded(self._allowed), use_dns_cache=False)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    timeout=aiohttp.ClientTimeout(total=SECONDS),
                    trust_env=False,
                    cookie_jar=aiohttp.DummyCookieJar(),
                ) as session,
                session.post(target, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                await answer.content.read(MOST_READ)
                status = answer.status
        except aiohttp.InvalidURL as error:
            raise Refused("bad_address") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Failed(type(error).__name__) from error
        if 200 <= status < 300:
            return status
        if status >= 500 or status in RETRIED:
            raise Failed(f"status_{status}")
        raise Refused(f"status_{status}")

    def _looked_at(self, url: str) -> URL:
        """The address as it will be called. Refused for a host that is a number which may not be
        reached: no resolver is asked for it. It is one in the digits of any script.
        """
        try:
            target = URL(url)
            host = target.raw_host or ""
        except ValueError as error:
            raise Refused("bad_address") from error
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            if ":" in host or host.replace(".", "").isdigit():
                raise Refused("address_not_public") from None
        else:
            if not self._allowed(literal):
                raise Refused("address_not_public")
        return target


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and base64 of HMAC-SHA-256 over id.timestamp.body."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
