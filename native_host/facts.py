"""What the chain says about a content, its server and the page's station, against what the header says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from native_host.network import Network
from pywallet.errors import InputError, Refusal
from pywallet.sps.header import Header


@dataclass(frozen=True)
class Station:
    """A registered station and the domain it is bound to."""

    address: bytes
    name: str
    domain: str


@dataclass(frozen=True)
class Facts:
    """The answer of one look at the chain. ``licensed``: the station may play this content."""

    station: Station | None
    licensed: bool
    revoked: bool
    destroyed: bool
    server_url: str
    bps: int = 0
    """Commission now, basis points of what owner and listener get."""


def domain_of(origin: str) -> str:
    """``host[:port]`` of an origin, as the registry writes it."""
    return urlsplit(origin).netloc.lower()


async def look(network: Network, header: Header, origin: str) -> Facts:
    """Read the chain and hold the header against it.

    Raises InputError or Refusal (``content.*``, ``sps.policy.mismatch``,
    ``server.*``) and Unavailable ``chain.unreachable``.
    """
    content = network.content(header.content)
    epoch = network.deployment.schedule.epoch_of(network.now_ms() // 1000)
    ours, state, server, lane, station, bps = await asyncio.gather(
        network.registry.is_content(header.content),
        content.state(),
        network.registry.server(header.server.address),
        network.settlement.lane(header.server.address),
        _station(network, domain_of(origin)),
        network.registry.rate_at(epoch),
    )
    # Any contract can answer like a content; only the registry's own are.
    if state is None or not ours:
        raise InputError("content.unknown", content=header.content.hex())
    if state.owner != header.owner:
        raise InputError("content.owner", header=header.owner.hex(), chain=state.owner.hex())
    if state.policy_hash != header.policy_hash:
        raise InputError("sps.policy.mismatch", header=header.policy_hash.hex(), chain=state.policy_hash.hex())
    if state.destroyed:
        raise Refusal("content.destroyed")
    if state.revoked:
        raise Refusal("content.revoked")
    if state.server != header.server.address:
        raise InputError("server.mismatch", header=header.server.address.hex(), chain=state.server.hex())
    if server is None or not server.active or lane.bond == 0 or lane.retired is not None:
        raise Refusal("server.unbonded", server=header.server.address.hex())
    licensed = station is not None and (state.open_license or await content.licensed(station.address))
    return Facts(station, licensed, False, False, server.url or header.server.url, bps)


async def _station(network: Network, domain: str) -> Station | None:
    address = await network.registry.station_of(domain) if domain else None
    if address is None:
        return None
    entry = await network.registry.station(address)
    if entry is None or not entry.active or entry.domain.lower() != domain:
        return None
    return Station(address, entry.name, entry.domain)
