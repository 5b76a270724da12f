"""What a browser will be able to reach, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from config.settings import Media


@dataclass(frozen=True, slots=True)
class Reach:
    """Sentences; `fit` is False if one of them has to be acted on."""

    fit: bool
    words: tuple[str, ...]


def reach(media: Media, told: Sequence[str], *, production: bool) -> Reach:
    """`told`: the addresses that browsers are told, as the media process gathers them."""
    addresses = [ip_address(address) for address in told]
    open_ones = [str(a) for a in addresses if a.is_global]
    near = [str(a) for a in addresses if not a.is_global and not a.is_loopback]
    relayed = any(not url.startswith("stun:") for url in media.turn_urls)
    words, fit = [], True
    if open_ones:
        words.append(
            f"Any browser that may send UDP to {_list(open_ones)}, {_ports(media)}: the firewall "
            "has to let it in."
        )
    elif near:
        words.append(f"Browsers in the network of {_list(near)}, by UDP, {_ports(media)}.")
    else:
        words.append("Browsers on this machine only.")
    if relayed:
        words.append(f"Any browser that reaches {_list(media.turn_urls)}, which passes sound on.")
    elif not open_ones:
        words.append(
            "Nobody else: set MEDIA_PUBLIC_IP to the address that this machine is reached by, or "
            "TURN_URLS and TURN_SECRET to a TURN server."
        )
        fit = not production
    if relayed and media.turn_secret is None:
        words.append("TURN_URLS needs TURN_SECRET: no browser gets credentials without it.")
        fit = False
    if any(url.startswith("stun:") for url in media.turn_urls):
        words.append(
            "A stun: address in TURN_URLS tells browsers their own address; it passes no sound on."
        )
    if relayed and not any("turns:" in u or "transport=tcp" in u for u in media.turn_urls):
        words.append(
            "Where no UDP is let out there is no sound: add a turns: or transport=tcp address."
        )
    if media.udp_ports is not None:
        parties = media.udp_ports[1] - media.udp_ports[0] + 1  # each has a port on each address
        words.append(f"MEDIA_UDP_PORTS has room for {parties} parties at once, two for each call.")
    return Reach(fit, tuple(words))


def _ports(media: Media) -> str:
    if media.udp_ports is None:
        return "any port"
    return f"ports {media.udp_ports[0]} to {media.udp_ports[1]}"


def _list(items: Sequence[str]) -> str:
    return ", ".join(items)
