"""State on the chain of the epochs of a wallet's receipts: posted, final, and the time they can be claimed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from native_host.ledger import Ledger
from native_host.ledger.payee_store import NEWEST
from native_host.remote.network import Network
from native_host.remote.networks import Networks
from pywallet.errors import GomaaError

MAX_EPOCHS: Final = 32
"""Epochs in one round of reads, of three calls each."""

EpochKey = tuple[bytes, int, int]
"""Server, epoch and chain id."""


@dataclass(frozen=True)
class Standing:
    """State of an epoch of a server.

    Attributes:
        posted: True if it is posted.
        final: True if it is final.
        due_s: Unix seconds from which it can be claimed.
    """

    posted: bool
    final: bool
    due_s: int


class EpochStandings:
    """States of epochs that are not final yet, read in rounds of ``MAX_EPOCHS``."""

    def __init__(self, ledger: Ledger, networks: Networks) -> None:
        self._ledger, self._networks = ledger, networks
        self._standings: dict[EpochKey, Standing] = {}
        self._cursors: dict[bytes, tuple[int, bytes, int]] = {}

    def cached(self, key: EpochKey) -> Standing | None:
        """The state last read of an epoch that was not final then."""
        return self._standings.get(key)

    async def refresh(self, wallet: bytes) -> dict[EpochKey, Standing]:
        """Read the next epochs of a wallet's receipts, and the newest of all.

        Final epochs are recorded as such. An epoch that cannot be read keeps its last state.

        Args:
            wallet: First account of the wallet, 20 bytes.
        """
        first = (NEWEST[0], NEWEST[1], NEWEST[3])
        newest = self._ledger.unsettled(wallet, first, 1)
        after = self._cursors.pop(wallet, first)
        keys = self._ledger.unsettled(wallet, after, MAX_EPOCHS)
        if len(keys) == MAX_EPOCHS:
            server, epoch, chain_id = keys[-1]
            self._cursors[wallet] = (epoch, server, chain_id)
        elif after != first:
            # The round begins again with the newest ones.
            again = self._ledger.unsettled(wallet, first, MAX_EPOCHS - len(keys))
            keys += [key for key in again if key not in keys]
        standings: dict[EpochKey, Standing] = {}
        reads: list[tuple[EpochKey, Network]] = []
        for key in newest + keys:
            _, epoch, chain_id = key
            network = self._networks.get(chain_id)
            if network is None or key in standings:
                continue
            schedule = network.deployment.schedule
            standings[key] = self._standings.get(key, Standing(False, False, schedule.due(epoch)))
            # No epoch is posted before it has ended.
            if key in keys and network.now_ms() // 1000 >= schedule.ends(epoch):
                reads.append((key, network))
        answers = await asyncio.gather(*(_standing(*read) for read in reads))
        for (key, _), standing in zip(reads, answers, strict=True):
            if standing is not None:
                standings[key] = standing
                if standing.final:
                    self._standings.pop(key, None)
                else:
                    self._standings[key] = standing
        final = [key for key, standing in standings.items() if standing.final]
        if final:
            with self._ledger.write():
                for key in final:
                    self._ledger.set_final(*key)
        return standings


async def record_final(ledger: Ledger, network: Network, keys: Sequence[EpochKey]) -> None:
    """Record which of at most ``MAX_EPOCHS`` epochs are final; those that cannot be read stay as they are."""
    standings = await asyncio.gather(*(_standing(key, network) for key in keys))
    with ledger.write():
        for key, standing in zip(keys, standings, strict=True):
            if standing is not None and standing.final:
                ledger.set_final(*key)


async def _standing(key: EpochKey, network: Network) -> Standing | None:
    try:
        await network.ready()
        server, epoch, _ = key
        state = await network.settlement.epoch(server, epoch)
    except GomaaError:
        return None
    posted = any(state.commit)
    return Standing(posted, bool(state.final), state.ready if posted else network.deployment.schedule.due(epoch))
