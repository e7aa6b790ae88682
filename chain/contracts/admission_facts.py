"""Facts of the contracts that decide whether a ticket opens, read in one request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from chain.abi import function, to_address
from chain.client import Chain
from chain.contracts.content import ContentState
from chain.contracts.registry import StationEntry
from chain.contracts.settlement import account_of
from chain.deployment import Deployment
from chain.read_batch import Read, read_batch
from pywallet.errors import GomaaError


@dataclass(frozen=True)
class AdmissionFacts:
    """Facts of one block.

    Attributes:
        state: The content's state; None where no content of the registry has the address.
        serving: Address of the content's security server in the epoch; None without a state.
        licensed: True if the station may play the content.
        station: The station's entry in the registry, or None.
        bps: Commission of the epoch, basis points.
        bps_before: Commission of the epoch before, basis points.
        spent: Cumulative gross that the server has debited from the station, wei.
        escrow: The station's escrow with the server, wei.
        requested: Amount of the station's pending withdrawal request, wei.
    """

    state: ContentState | None
    serving: bytes | None
    licensed: bool
    station: StationEntry | None
    bps: int
    bps_before: int
    spent: int
    escrow: int
    requested: int


async def read_admission(
    chain: Chain, deployment: Deployment, server: bytes, content: bytes, station: bytes, epoch: int
) -> AdmissionFacts:
    """Read the facts of a content at a station.

    Args:
        chain: The connection.
        deployment: Its contracts.
        server: Address of the security server, 20 bytes.
        content: Address of the content, 20 bytes.
        station: Address of the station, 20 bytes.
        epoch: The clock's epoch: the newest block may be of the one before.

    Raises:
        GomaaError: ``chain.mismatch`` for a node without these contracts, ``chain.reverted``.
        Unavailable: ``chain.unreachable``.
    """
    registry, settlement = deployment.registry, deployment.settlement
    of_registry, of_settlement, of_content = (partial(function, name) for name in ("Registry", "Settlement", "Content"))
    (is_content, entry, rate, rate_before, account, requests, state, server_at, licensed) = await read_batch(
        chain,
        (
            Read(registry, of_registry("is_content"), (content,)),
            Read(registry, of_registry("station"), (station,)),
            Read(registry, of_registry("rate_at"), (epoch,)),
            Read(registry, of_registry("rate_at"), (max(0, epoch - 1),)),
            Read(settlement, of_settlement("account"), (server, station)),
            Read(settlement, of_settlement("requests"), (server, station)),
            Read(content, of_content("state")),
            Read(content, of_content("server_at"), (epoch,)),
            Read(content, of_content("licensed"), (station,)),
        ),
    )
    if is_content is None or entry is None or rate is None or rate_before is None:
        raise GomaaError("chain.mismatch", node=chain.node, reason="no registry")
    if account is None or requests is None:
        raise GomaaError("chain.mismatch", node=chain.node, reason="no settlement")
    spent, escrow = account_of(int(account[0]))
    # Any contract can imitate a content; only contents of the registry count.
    known = bool(is_content[0]) and state is not None and server_at is not None
    return AdmissionFacts(
        state=ContentState.of(state[0]) if known and state else None,
        serving=to_address(server_at[0]) if known and server_at else None,
        licensed=known and licensed is not None and bool(licensed[0]),
        station=StationEntry.of(entry[0]),
        bps=int(rate[0]),
        bps_before=int(rate_before[0]),
        spent=spent,
        escrow=escrow,
        requested=int(requests[0][0]),
    )
