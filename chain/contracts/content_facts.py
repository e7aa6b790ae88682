"""Facts of the contracts about a content at a domain before it plays, read in one request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from chain.abi import function, to_address
from chain.client import Chain
from chain.contracts.content import ContentState
from chain.contracts.registry import ServerEntry, StationEntry
from chain.contracts.settlement import ServerState
from chain.deployment import Deployment
from chain.read_batch import Read, read_batch
from pywallet.errors import GomaaError


@dataclass(frozen=True)
class ContentFacts:
    """Facts of one block.

    Attributes:
        state: The content's state; None where no content of the registry has the address.
        serving: Address of the content's security server in the epoch; None without a state.
        server: That server's entry in the registry, or None.
        bond: That server's state in the settlement; None without a state.
        bps: Commission of the epoch, basis points.
        station: Address and entry of the domain's station; None without one.
        licensed: True if that station may play the content.
    """

    state: ContentState | None
    serving: bytes | None
    server: ServerEntry | None
    bond: ServerState | None
    bps: int
    station: tuple[bytes, StationEntry] | None
    licensed: bool


async def read_content(chain: Chain, deployment: Deployment, content: bytes, domain: str, epoch: int) -> ContentFacts:
    """Read the facts of a content at a domain.

    Args:
        chain: The connection.
        deployment: Its contracts.
        content: Address of the content, 20 bytes.
        domain: Domain of the page, ``host[:port]``.
        epoch: The clock's epoch: the newest block may be of the one before.

    Raises:
        GomaaError: ``chain.mismatch`` for a node without these contracts.
        Unavailable: ``chain.unreachable``.
    """
    registry, nobody = deployment.registry, "0x" + bytes(20).hex()
    call = partial(function, "Registry")
    (is_content, rate, state, server_at, entry, bond, station_of, station, licensed) = await read_batch(
        chain,
        (
            Read(registry, call("is_content"), (content,)),
            Read(registry, call("rate_at"), (epoch,)),
            Read(content, function("Content", "state")),
            Read(content, function("Content", "server_at"), (epoch,)),
            Read(registry, call("server"), (nobody,), first_of=3),
            Read(deployment.settlement, function("Settlement", "server_state"), (nobody,), first_of=3),
            Read(registry, call("station_of"), (domain[:253],)),
            Read(registry, call("station"), (nobody,), first_of=6),
            Read(content, function("Content", "licensed"), (nobody,), first_of=6),
        ),
    )
    if is_content is None or rate is None or station_of is None or station is None:
        raise GomaaError("chain.mismatch", node=chain.node, reason="no registry")
    # Any contract can imitate a content; only contents of the registry count.
    known = state is not None and server_at is not None and bool(is_content[0])
    return ContentFacts(
        state=ContentState.of(_first(state)) if known else None,
        serving=to_address(_first(server_at)) if known else None,
        server=ServerEntry.of(_first(entry)) if known and entry is not None else None,
        bond=ServerState.of(int(_first(bond))) if known and bond is not None else None,
        bps=int(rate[0]),
        station=_station(to_address(station_of[0]), _first(station)),
        licensed=known and licensed is not None and bool(licensed[0]),
    )


def _first(results: tuple[Any, ...] | None) -> Any:
    assert results is not None
    return results[0]


def _station(address: bytes, values: tuple[Any, ...]) -> tuple[bytes, StationEntry] | None:
    entry = StationEntry.of(values) if any(address) else None
    return None if entry is None else (address, entry)
