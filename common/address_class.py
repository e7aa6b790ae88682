"""Classification of addresses by name: public internet, private network, loopback.

The counterpart of extension/engine/media/address_class.js; tests/vectors/addresses.json holds both to one list.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from typing import Final
from urllib.parse import unquote, urlsplit

INTERNET: Final = 0
NETWORK: Final = 1
COMPUTER: Final = 2
"""Classes, from the outermost to the innermost."""

_INSIDE: Final = tuple(
    (ipaddress.ip_network(network), place)
    for place, networks in (
        (COMPUTER, "0.0.0.0/8 127.0.0.0/8 ::1/128"),
        (
            NETWORK,
            "10.0.0.0/8 100.64.0.0/10 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 "
            "224.0.0.0/3",
        ),
        (NETWORK, "fc00::/7 fe80::/10 fec0::/10 ff00::/8 64:ff9b:1::/48"),
    )
    for network in networks.split()
)
_CARRY: Final = tuple(
    (ipaddress.IPv6Network(network), shift)
    for network, shift in (
        ("::/96", 0),
        ("::ffff:0:0/96", 0),
        ("::ffff:0:0:0/96", 0),
        ("64:ff9b::/96", 0),
        ("2002::/16", 80),
    )
)
"""Prefixes that an IPv4 address follows, and its distance from the end, bits."""
_HERE: Final = ("localhost", "localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback")
_NEAR: Final = ("local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa")


def place_of(host: str | None) -> int:
    """Class of a host, in any form that a browser or resolver accepts.

    A malformed address counts as the innermost class.
    """
    if not host:
        return COMPUTER
    name = unicodedata.normalize("NFKC", unquote(host)).replace("\u3002", ".").lower().strip("[]").rstrip(".")
    if ":" in name:
        try:
            return _of_address(ipaddress.IPv6Address(name.split("%")[0]))
        except ValueError:
            return COMPUTER
    labels = name.split(".")
    if labels[-1].isdecimal() or _number(labels[-1]) is not None:
        numbers = [_number(label) for label in labels]
        return _of_numbers(numbers)
    for names, place in ((_HERE, COMPUTER), (_NEAR, NETWORK)):
        if any(name == suffix or name.endswith(f".{suffix}") for suffix in names):
            return place
    # A name without a dot is resolved by the network.
    return INTERNET if len(labels) > 1 else NETWORK


def place_of_url(url: str) -> int:
    """Class of a URL's host, as the target of a request."""
    try:
        return place_of(urlsplit(url).hostname)
    except ValueError:
        return COMPUTER


def standing_of_url(url: str) -> int:
    """Class of a URL's host, as the origin of a request.

    ``localhost`` is this computer for certain. The network may resolve other local names, which count as its own; a
    malformed address counts as public.
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return INTERNET
    place = place_of(host)
    if place < COMPUTER or host == "localhost" or host.endswith(".localhost"):
        return place if host else INTERNET
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return NETWORK if host.endswith(_HERE) else INTERNET
    return place


def _of_numbers(numbers: list[int | None]) -> int:
    """Parse an IPv4 address of up to four parts, the last of which covers the remaining bytes."""
    parts = [number for number in numbers if number is not None]
    *first, last = parts
    if (
        len(parts) < len(numbers)
        or len(parts) > 4
        or any(number > 255 for number in first)
        or last >= 256 ** (5 - len(parts))
    ):
        return COMPUTER
    value = last + sum(number << (24 - 8 * at) for at, number in enumerate(first))
    return _of_address(ipaddress.IPv4Address(value))


def _number(label: str) -> int | None:
    """Parse a part of an IPv4 address: decimal, octal after 0, hexadecimal after 0x."""
    try:
        if label.startswith("0x"):
            return int(label[2:] or "0", 16)
        return int(label, 8 if label.startswith("0") else 10)
    except ValueError:
        return None


def _of_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    places = [place for network, place in _INSIDE if address.version == network.version and address in network]
    if places:
        return places[0]
    if isinstance(address, ipaddress.IPv6Address):
        for network, shift in _CARRY:
            if address in network:
                return _of_address(ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF))
    return INTERNET
