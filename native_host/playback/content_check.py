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
    """Facts read from the chain. ``licensed``: the station may play this content."""

    station: Station | None
    licensed: bool
    revoked: bool
    destroyed: bool
    server: bytes
    """The content's security server in the current epoch."""
    server_url: str
    bps: int = 0
    """Commission now, basis points."""


def domain_of(origin: str) -> str:
    """``host[:port]`` of an origin, as the registry writes it."""
    return urlsplit(origin).netloc.lower()


async def check_content(network: Network, header: Header, origin: str) -> Facts:
    """Read the chain and compare the header with it.

    The security server is the chain's: a content may have moved since it was signed.

    Raises InputError or Refusal (``content.*``, ``sps.policy.mismatch``,
    ``server.*``) and Unavailable ``chain.unreachable``.
    """
    content = network.content(header.content)
    epoch = network.deployment.schedule.epoch_of(network.now_ms() // 1000)
    ours, state, serving, (server, lane), station, bps = await asyncio.gather(
        network.registry.is_content(header.content),
        content.state(),
        _server_at(content, epoch),
        _server(network, header.server.address),
        _station(network, domain_of(origin)),
        network.registry.rate_at(epoch),
    )
    # Any contract can answer like a content; only the registry's own count.
    known = state if ours and serving is not None else None
    fault = content_fault(known, header.content, header.owner, header.policy_hash)
    if fault is not None:
        raise fault.error(InputError)
    assert state is not None  # ``content.unknown`` otherwise
    assert serving is not None
    code = withdrawal(state)
    if code is not None:
        raise Refusal(code)
    if serving != header.server.address:
        server, lane = await _server(network, serving)
    if server is None or not server.active or lane.bond == 0 or lane.retired is not None:
        raise Refusal("server.unbonded", server=serving.hex())
    # The server's URL is its registrant's choice: it may not be in a more private network than page or node.
    if place_of_url(server.url) > max(standing_of_url(origin), standing_of_url(network.deployment.rpc)):
        raise Unavailable("server.unreachable", server=server.url, reason="address")
    licensed = station is not None and (state.open_license or await content.licensed(station.address))
    return Facts(station, licensed, False, False, serving, server.url, bps)


async def _server_at(content: Content, epoch: int) -> bytes | None:
    """The epoch's server: by the clock's epoch, since the newest block may be of the one before.

    None where no content answers.
    """
    try:
        return await content.server_at(epoch)
    except GomaaError as e:
        if e.code not in ("chain.mismatch", "chain.reverted"):
            raise
        return None


async def _server(network: Network, address: bytes) -> tuple[ServerEntry | None, ServerState]:
    """A security server's entry and bond."""
    entry, lane = await asyncio.gather(network.registry.server(address), network.settlement.server_state(address))
    return entry, lane


async def _station(network: Network, domain: str) -> Station | None:
    address = await network.registry.station_of(domain) if domain else None
    if address is None:
        return None
    entry = await network.registry.station(address)
    if entry is None or not entry.active or entry.domain.lower() != domain:
        return None
    return Station(address, named(entry.name), entry.domain)
