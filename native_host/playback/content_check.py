"""Check of a header against the chain: its content, its security server and the page's station."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from common.address_class import place_of_url, standing_of_url
from native_host.remote.network import Network
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.provider.safe_text import named
from pywallet.rules.content_check import content_fault, withdrawal
from pywallet.sps.header import Header

if TYPE_CHECKING:
    from chain.contracts.content_facts import ContentFacts


@dataclass(frozen=True)
class Station:
    """A registered station and the domain it is bound to."""

    address: bytes
    name: str
    domain: str


@dataclass(frozen=True)
class Facts:
    """Facts read from the chain.

    Attributes:
        station: The station of the page's domain; None without one.
        licensed: True if the station may play this content.
        revoked: True if the content is revoked.
        destroyed: True if the content is destroyed.
        server: Address of the content's security server in the current epoch.
        server_url: Registered URL of that server.
        bps: Commission now, basis points.
    """

    station: Station | None
    licensed: bool
    revoked: bool
    destroyed: bool
    server: bytes
    server_url: str
    bps: int = 0


def domain_of(origin: str) -> str:
    """``host[:port]`` of an origin, in lower case as in the registry."""
    return urlsplit(origin).netloc.lower()


async def check_content(network: Network, header: Header, origin: str) -> Facts:
    """Compare the header with the chain.

    The security server is the chain's: a content may have moved since it was signed.

    Args:
        network: The header's network.
        header: A verified header.
        origin: Origin of the page.

    Raises:
        GomaaError: ``content.*``, ``sps.policy.mismatch``, ``server.*``, ``chain.unreachable``.
    """
    found = await network.facts(header.content, domain_of(origin))
    try:
        facts = _compare(found, network, header, origin)
    except GomaaError:
        network.forget(header.content)
        raise
    if not facts.licensed:
        # A refusal is not used again: the right may be bought meanwhile.
        network.forget(header.content)
    return facts


def _compare(found: ContentFacts, network: Network, header: Header, origin: str) -> Facts:
    state, serving, server = found.state, found.serving, found.server
    fault = content_fault(state, header.content, header.owner, header.policy_hash)
    if fault is not None:
        raise fault.error(InputError)
    assert state is not None  # ``content.unknown`` otherwise
    assert serving is not None
    code = withdrawal(state)
    if code is not None:
        raise Refusal(code)
    bond = found.bond
    if server is None or not server.active or bond is None or bond.bond == 0 or bond.retired is not None:
        raise Refusal("server.unbonded", server=serving.hex())
    # The server's URL is its registrant's choice: it may not be in a more private network than page or node.
    if place_of_url(server.url) > max(standing_of_url(origin), standing_of_url(network.deployment.rpc)):
        raise Unavailable("server.unreachable", server=server.url, reason="address")
    station = _station(found, domain_of(origin))
    return Facts(station, station is not None and found.licensed, False, False, serving, server.url, found.bps)


def _station(found: ContentFacts, domain: str) -> Station | None:
    if found.station is None:
        return None
    address, entry = found.station
    if not entry.active or entry.domain.lower() != domain:
        return None
    return Station(address, named(entry.name), entry.domain)
