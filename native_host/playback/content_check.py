"""What the chain says about a content, its server and the page's station, against what the header says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from common.address_class import place_of_url, standing_of_url
from native_host.remote.network import Network
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.provider.safe_text import named
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
    """The answer of one look at the chain. ``licensed``: the station may play this content."""

    station: Station | None
    licensed: bool
    revoked: bool
    destroyed: bool
    server: bytes
    """The content's security server in the running epoch."""
    server_url: str
    bps: int = 0
    """Commission now, basis points of what owner and listener get."""


def domain_of(origin: str) -> str:
    """``host[:port]`` of an origin, as the registry writes it."""
    return urlsplit(origin).netloc.lower()


async def look(network: Network, header: Header, origin: str) -> Facts:
    """Read the chain and hold the header against it.

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
    # Any contract can answer like a content; only the registry's own are.
    if state is None or not ours or serving is None:
        raise InputError("content.unknown", content=header.content.hex())
    if state.owner != header.owner:
        raise InputError("content.owner", header=header.owner.hex(), chain=state.owner.hex())
    if state.policy_hash != header.policy_hash:
        raise InputError("sps.policy.mismatch", header=header.policy_hash.hex(), chain=state.policy_hash.hex())
    if state.destroyed:
        raise Refusal("content.destroyed")
    if state.revoked:
        raise Refusal("content.revoked")
    if serving != header.server.address:
        server, lane = await _server(network, serving)
    if server is None or not server.active or lane.bond == 0 or lane.retired is not None:
        raise Refusal("server.unbonded", server=serving.hex())
    # Whoever registers a server chooses its address: it may not lie further inside than page or node.
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
