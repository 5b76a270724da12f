"""Where requests come from, and what browsers are told to refuse: CORS, CSRF, CSP, proxies."""

from __future__ import annotations

from collections.abc import MutableMapping
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from config.settings import Settings
from contactcenter.core.errors import Forbidden

CHAT: Final = "/api/v1/chat/"  # what the widget calls from pages of others
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
SOCKETS: Final = "/socket.io/"
"""A page that polls posts here; each namespace decides who may come in."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ALLOW_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, If-Match, X-Request-Id"
EXPOSE_HEADERS: Final = "ETag, Location, Retry-After, X-Request-Id"


class Origins:
    """The origins that settings know, and the headers that follow from them."""

    def __init__(self, settings: Settings) -> None:
        public = settings.app.public_url
        self._public = origin_of(public)
        self._own = frozenset(_names_of(self._public))
        self._widget = frozenset(map(origin_of, settings.web.widget_origins))
        self._callers = frozenset(map(origin_of, settings.web.cors_origins))
        socket = "ws" + self._public.removeprefix("http")
        self.headers: Final[dict[str, str]] = {
            "Content-Security-Policy": (
                "default-src 'self'; script-src 'self'; "
                # Component libraries set styles from script; text cannot become script by them.
                "style-src 'self' 'unsafe-inline'; "
                f"connect-src 'self' {socket}; img-src 'self' data: blob:; "
                "media-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
                "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if self._public.startswith("https:"):
            self.headers["Strict-Transport-Security"] = "max-age=31536000"

    def may_visit(self, origin: str | None) -> bool:
        """Whether a page of this origin may open the visitor's socket; no origin: no browser."""
        return self.is_own(origin) or origin in self._widget or "*" in self._widget

    def is_own(self, origin: str | None) -> bool:
        """Whether it is one of our own pages; no origin: no browser."""
        return origin is None or origin in self._own

    def preflight(self, http: web.Request) -> web.Response | None:
        """The answer to a CORS preflight; None for any other request."""
        if http.method != "OPTIONS" or "Access-Control-Request-Method" not in http.headers:
            return None
        if not self._may_call(http):
            raise Forbidden("Pages of this origin may not call.")
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
                "Access-Control-Allow-Headers": ALLOW_HEADERS,
                "Access-Control-Max-Age": "600",
            },
        )

    def refuse_foreign(self, http: web.Request) -> None:
        """Raise Forbidden for a change asked for by somebody else's page."""
        if http.method in SAFE or http.path.startswith(SOCKETS):
            return
        if not self._may_call(http):
            raise Forbidden("Pages of this origin may not call.")

    def set_headers(self, http: web.Request, response: web.StreamResponse) -> None:
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        self.admit(http, response.headers)

    def admit(self, http: web.Request, headers: MutableMapping[str, str]) -> None:
        """Let a page of the request's origin read the answer, if it may call."""
        origin = http.headers.get("Origin")
        if origin is not None:
            headers.setdefault("Vary", "Origin")
            if self._may_call(http) and origin != "null":
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = EXPOSE_HEADERS

    def _may_call(self, http: web.Request) -> bool:
        origin = http.headers.get("Origin")
        if self.is_own(origin) or origin == f"{http.scheme}://{http.host}" or origin is None:
            return True
        if http.path.startswith(CHAT) and self.may_visit(origin):
            return True
        return origin in self._callers or "*" in self._callers


class Proxies:
    """Our own proxies: what they say of where a request came from is believed."""

    def __init__(self, settings: Settings) -> None:
        self._networks = [ip_network(text, strict=False) for text in settings.web.trusted_proxies]

    def client(self, http: web.Request) -> str:
        """The nearest address on the request's way that is not one of our proxies."""
        remote = http.remote or ""
        forwarded = http.headers.getall("X-Forwarded-For", None) if self._networks else None
        if forwarded is None:
            return remote
        hops = [*(hop.strip() for hop in ",".join(forwarded).split(",") if hop.strip()), remote]
        while len(hops) > 1 and self._trusted(hops[-1]):
            hops.pop()
        return hops[-1].encode("ascii", "replace").decode()[:45]

    def _trusted(self, hop: str) -> bool:
        try:
            address = ip_address(hop)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def _names_of(origin: str) -> list[str]:
    """An origin on this machine goes by three names; any other by one."""
    parts = urlsplit(origin)
    if parts.hostname not in LOOPBACK:
        return [origin]
    port = "" if parts.port is None else f":{parts.port}"
    return [f"{parts.scheme}://{host}{port}" for host in ("localhost", "127.0.0.1", "[::1]")]


def origin_of(url: str) -> str:
    """Scheme, host and port as browsers write an origin; `*` stays."""
    parts = urlsplit(url)
    if not parts.scheme:
        return url
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, default} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
