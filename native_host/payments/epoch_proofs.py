"""What a server says of an epoch, held against the chain's commitment."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from common.address_class import place_of_url, standing_of_url
from native_host.host import Host
from native_host.remote.network import Network
from native_host.remote.server import Server
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.protocol import Signed, require_signer
from pywallet.settlement import EpochHeader, commitment

T = TypeVar("T")


async def place(host: Host, server: bytes, network: Network | None = None) -> tuple[str, Network]:
    """A server's URL and network, by the ledger or by the registry. Raises Unavailable ``server.unreachable``.

    Args:
        host: This computer's.
        server: Its address.
        network: The one that it is asked on; None: the one on which it was used.
    """
    network = network or host.network_at(server)
    await network.ready()
    url = host.ledger.server_url(server, network.deployment.chain_id)
    if url is None:
        entry = await network.registry.server(server)
        if entry is None or place_of_url(entry.url) > standing_of_url(network.deployment.rpc):
            raise Unavailable("server.unreachable", server=server.hex())
        url = entry.url
    return url, network


@asynccontextmanager
async def line(host: Host, server: bytes, network: Network | None = None) -> AsyncIterator[tuple[Server, Network]]:
    """A line of its own for one question about a payee, which ties it to no station, and the network.

    Raises as ``place``.
    """
    url, network = await place(host, server, network)
    async with host.stranger(server, url, network) as one:
        yield one, network


def network_of(host: Host, signed: Signed[Any], signer: bytes) -> Network | None:
    """The network that a message was signed for, by its signature; None where it is none of this host's."""
    for network in host.networks.values():
        with contextlib.suppress(GomaaError):
            require_signer(signed, network.domain, signer, "claim.signature")
            return network
    return None


def read(part: Callable[[], T]) -> T:
    """Read a server's answer. Raises Unavailable ``server.answer`` where a field is missing or wrong."""
    try:
        return part()
    except (KeyError, TypeError, ValueError, IndexError, InputError) as e:
        raise Unavailable("server.answer", reason=f"{type(e).__name__}: {e}"[:200]) from None


def header(answer: dict[str, Any]) -> EpochHeader:
    """The epoch's header in an answer."""
    value = answer["header"]
    return EpochHeader(root=from_hex(value["root"], 32), total=int(value["total"]), rest=from_hex(value["rest"], 32))


async def committed(network: Network, server: bytes, epoch: int, claimed: EpochHeader) -> bool:
    """Whether the epoch is final on the chain. Raises Refusal ``claim.pending`` (not posted), ``chain.mismatch``."""
    state = await network.settlement.epoch(server, epoch)
    if not any(state.commit):
        raise Refusal("claim.pending", epoch=epoch)
    if state.commit != commitment(claimed):
        raise GomaaError("chain.mismatch", epoch=epoch)
    return bool(state.final)
