"""Facts that decide whether a ticket opens, kept in the cache from one request."""

from __future__ import annotations

import time
from typing import Any

from chain.client import Chain
from chain.contracts.admission_facts import read_admission
from chain.deployment import Deployment
from pywallet.errors import GomaaError, Unavailable
from security_server.chain.cache import Cache
from security_server.chain.money import Money


async def keep_admission(
    cache: Cache, chain: Chain, deployment: Deployment, server: bytes, content: bytes, station: bytes, epoch: int
) -> None:
    """Read the facts, and put each where ``ChainView`` looks for it.

    Facts of a content that the registry does not have, and those of a node that takes no call without a recipient, are
    not kept: ``ChainView`` reads them one by one.

    Args:
        cache: The view's.
        chain: The connection.
        deployment: Its contracts.
        server: Address of this server, 20 bytes.
        content: Address of the content, 20 bytes.
        station: Address of the station, 20 bytes.
        epoch: The clock's epoch.

    Raises:
        Unavailable: ``chain.unreachable``.
    """
    started = time.monotonic()
    try:
        facts = await read_admission(chain, deployment, server, content, station, epoch)
    except Unavailable:
        raise
    except GomaaError:
        return
    entry = facts.station
    values: dict[tuple[Any, ...], Any] = {
        ("station", station): entry.domain if entry is not None and entry.active else None,
        ("rate", epoch): facts.bps,
        ("rate", max(0, epoch - 1)): facts.bps_before,
        ("money", station): Money(facts.escrow, facts.requested, facts.spent, facts.bps),
    }
    if facts.state is not None:
        values[("content", content)] = facts.state
        values[("license", content, station)] = facts.licensed
        values[("server", content, epoch)] = facts.serving
    for key, value in values.items():
        cache.put(key, started, value)
