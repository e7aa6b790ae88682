"""Check of a header against the chain: its content, its security server and the page's station."""

from __future__ import annotations

import asyncio
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
    from chain.contracts.content import Content
    from chain.contracts.registry import ServerEntry
    from chain.contracts.settlement import ServerState


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
    """Read the chain and compare the header with it.

    The security server is the chain's: a content may have moved since it was signed.

    Args:
        network: The header's network.
        header: A verified header.
        origin: Origin of the page.

    Raises:
        GomaaError: ``content.*``, ``sps.policy.mismatch``, ``server.*``, ``chain.unreachable``.
    """
    content = network.content(header.content)
    epoch = network.deployment.schedule.epoch_of(network.now_ms() // 1000)
    is_registered, state, serving, (server, state_of_server), station, bps = await asyncio.gather(
        network.registry.is_content(header.content),
        content.state(),
        _server_at(content, epoch),
        _server(network, header.server.address),
        _station(network, domain_of(origin)),
        network.registry.rate_at(epoch),
    )
    # Any contract can imitate a content; only contents of the registry count.
    registered_state = state if is_registered and serving is not None else None
    fault = content_fault(registered_state, header.content, header.owner, header.policy_hash)
    if fault is not None:
        raise fault.error(InputError)
    assert state is not None  # ``content.unknown`` otherwise
    assert serving is not None
    code = withdrawal(state)
    if code is not None:
        raise Refusal(code)
    if serving != header.server.address:
        server, state_of_server = await _server(network, serving)
    if server is None or not server.active or state_of_server.bond == 0 or state_of_server.retired is not None:
        raise Refusal("server.unbonded", server=serving.hex())
    # The server's URL is its registrant's choice: it may not be in a more private network than page or node.
    if place_of_url(server.url) > max(standing_of_url(origin), standing_of_url(network.deployment.rpc)):
        raise Unavailable("server.unreachable", server=server.url, reason="address")
    licensed = station is not None and (state.open_license or await content.licensed(station.address))
    return Facts(station, licensed, False, False, serving, server.url, bps)


async def _server_at(content: Content, epoch: int) -> bytes | None:
    """A content's server in an epoch; None where no content has this address.

    The epoch is the clock's: the newest block may be of the one before.
    """
    try:
        return await content.server_at(epoch)
    except GomaaError as e:
        if e.code not in ("chain.mismatch", "chain.reverted"):
            raise
        return None


async def _server(network: Network, address: bytes) -> tuple[ServerEntry | None, ServerState]:
    """A security server's entry and bond."""
    entry, state_of_server = await asyncio.gather(
        network.registry.server(address), network.settlement.server_state(address)
    )
    return entry, state_of_server


async def _station(network: Network, domain: str) -> Station | None:
    address = await network.registry.station_of(domain) if domain else None
    if address is None:
        return None
    entry = await network.registry.station(address)
    if entry is None or not entry.active or entry.domain.lower() != domain:
        return None
    return Station(address, named(entry.name), entry.domain)
