"""Where the epochs of a wallet's receipts stand on the chain: posted, final, and when their money is due."""

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
"""Epochs in one round of questions to the chain, by three calls each."""

EpochKey = tuple[bytes, int, int]
"""Server, epoch and chain id."""


@dataclass(frozen=True)
class Standing:
    """State of an epoch of a server. ``due_s``: Unix seconds at which its money can be claimed."""

    posted: bool
    final: bool
    due_s: int


class EpochStandings:
    """Standings of epochs that are not final yet, asked about in rounds of ``MAX_EPOCHS``."""

    def __init__(self, ledger: Ledger, networks: Networks) -> None:
        self._ledger, self._networks = ledger, networks
        self._standings: dict[EpochKey, Standing] = {}
        self._cursors: dict[bytes, tuple[int, bytes, int]] = {}

    def cached(self, key: EpochKey) -> Standing | None:
        """The last answer of the chain about an epoch that was not final then."""
        return self._standings.get(key)

    async def refresh(self, wallet: bytes) -> dict[EpochKey, Standing]:
        """Ask the chain about the next epochs of a wallet's receipts, and about the newest of all.

        Epochs that are final are recorded as such. What the chain does not answer keeps its last standing.
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
        asked: list[tuple[EpochKey, Network]] = []
        for key in newest + keys:
            _, epoch, chain_id = key
            network = self._networks.get(chain_id)
            if network is None or key in standings:
                continue
            schedule = network.deployment.schedule
            standings[key] = self._standings.get(key, Standing(False, False, schedule.due(epoch)))
            # No epoch is posted before it has ended.
            if key in keys and network.now_ms() // 1000 >= schedule.ends(epoch):
                asked.append((key, network))
        answers = await asyncio.gather(*(_standing(*question) for question in asked))
        for (key, _), standing in zip(asked, answers, strict=True):
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
    """Record which of at most ``MAX_EPOCHS`` epochs are final; those without an answer stay as they are."""
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
