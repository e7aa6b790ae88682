"""A server's answers about an epoch, checked against the chain's commitment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from native_host.remote.network import Network
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.settlement import EpochHeader, commitment

T = TypeVar("T")


def read(part: Callable[[], T]) -> T:
    """Run a function that reads a server's answer. Raises Unavailable ``server.answer`` for a bad field."""
    try:
        return part()
    except (KeyError, TypeError, ValueError, IndexError, InputError) as e:
        raise Unavailable("server.answer", reason=f"{type(e).__name__}: {e}"[:200]) from None


def header(answer: dict[str, Any]) -> EpochHeader:
    """The epoch's header in a server's answer."""
    value = answer["header"]
    return EpochHeader(root=from_hex(value["root"], 32), total=int(value["total"]), rest=from_hex(value["rest"], 32))


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
