"""A server's answers about an epoch, checked against the chain's commitment."""

from __future__ import annotations

from messages.host_server.billing import EpochHeaderResult
from native_host.remote.network import Network
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, Refusal
from pywallet.settlement import EpochHeader, commitment


def header(value: EpochHeaderResult) -> EpochHeader:
    """The epoch's header in a server's result."""
    return EpochHeader(root=from_hex(value.root, 32), total=int(value.total), rest=from_hex(value.rest, 32))


async def committed(network: Network, server: bytes, epoch: int, claimed: EpochHeader) -> bool:
    """Check an epoch's header against the chain; whether the epoch is final.

    Raises:
        GomaaError: ``claim.pending`` where it is not posted, ``chain.mismatch`` where another header is.
    """
    state = await network.settlement.epoch(server, epoch)
    if not any(state.commit):
        raise Refusal("claim.pending", epoch=epoch)
    if state.commit != commitment(claimed):
        raise GomaaError("chain.mismatch", epoch=epoch)
    return bool(state.final)
