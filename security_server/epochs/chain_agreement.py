"""Compares stored epochs with the chain. While they differ, the server opens no tickets and signs no receipts."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from sqlalchemy import select

from pywallet.errors import GomaaError, Unavailable
from pywallet.settlement import Schedule
from security_server.chain.view import ChainView
from security_server.db.connection import Connection
from security_server.db.cursors import COMPARED, read_cursor, set_cursor
from security_server.db.queries import change
from security_server.db.tables import epochs
from security_server.db.writer import Store
from security_server.epochs.settlement_state import State

log = logging.getLogger("gomaa.server")

AT_ONCE: Final = 16
"""Epochs that are requested concurrently."""

EVERY_S: Final = 3600.0
"""Seconds between two comparisons, once the first has succeeded."""


class ChainAgreement:
    """Compares the stored epochs with the chain's, and raises while they differ."""

    def __init__(self, store: Store, chain: ChainView, schedule: Schedule) -> None:
        self._store = store
        self._chain = chain
        self._schedule = schedule
        self._compared = False
        self._differing: set[int] = set()

    def require(self) -> None:
        """Require that chain and database agree.

        Raises:
            Unavailable: ``server.mismatch.chain`` with the epochs; ``chain.unreachable`` until they were compared once.
        """
        if self._differing:
            raise Unavailable("server.mismatch.chain", epochs=sorted(self._differing))
        if not self._compared:
            raise Unavailable("chain.unreachable", reason="not compared with the chain yet")

    def require_epoch(self, epoch: int) -> None:
        """Require that the chain does not hold another post of an epoch.

        Raises Unavailable ``server.mismatch.chain``.
        """
        if epoch in self._differing:
            raise Unavailable("server.mismatch.chain", epochs=[epoch])

    @property
    def compared(self) -> bool:
        """True if everything was compared once since the start."""
        return self._compared

    @property
    def differing(self) -> frozenset[int]:
        """Epochs whose post on the chain differs from the database."""
        return frozenset(self._differing)

    def differs(self, epoch: int) -> None:
        """Record that the chain holds a post of an epoch that the database lacks or has with other bytes."""
        if epoch not in self._differing:
            self._differing.add(epoch)
            log.error(
                "server.mismatch.chain: the chain holds another post of epoch %d than this database. No receipts are "
                "given. "
                "Was a backup restored, or does another process post? Get the epoch's published data "
                "(/v1/epochs/%d/data of an archive or a watcher) and run: gomaa server import-epoch FILE",
                epoch,
                epoch,
            )

    def agrees(self, epoch: int) -> None:
        """Record that an epoch is the same in both."""
        if epoch in self._differing:
            self._differing.discard(epoch)
            log.info("epoch %d agrees with the chain again", epoch)

    async def compare(self) -> None:
        """Compare every posted epoch that can still be challenged, and the server's last post.

        Raises:
            Unavailable: ``chain.unreachable``. Results before it are kept.
        """
        stored, missed, compared = await self._store.run(_stored_epochs)
        last = (await self._chain.lane(fresh=True)).last
        # As long as a receipt can be challenged, a post that the database lacks can cost the bond.
        back = self._schedule.late // self._schedule.length + 2
        wanted = {epoch for epoch in stored if epoch >= compared} | self._differing
        if last is not None:
            wanted |= set(range(max(compared, last - back + 1, 0), last + 1)) | {last}
        now_s = await self._chain.now_ms() // 1000
        # Wrong data of a node may have made a final epoch look missed after its comparison.
        wanted |= {epoch for epoch in missed if now_s <= self._schedule.post_until(epoch) + self._schedule.late}
        settled: dict[int, bool] = {}
        order = sorted(wanted)
        for at in range(0, len(order), AT_ONCE):
            some = order[at : at + AT_ONCE]
            for epoch, good in zip(
                some,
                await asyncio.gather(*(self._compare(number, stored.get(number), now_s) for number in some)),
                strict=True,
            ):
                settled[epoch] = good
        self._compared = True
        first = next((epoch for epoch in order if not settled[epoch]), None)
        cursor = first if first is not None else (order[-1] if order else compared)
        if cursor > compared:
            await self._store.run(lambda connection: set_cursor(connection, COMPARED, cursor))

    async def _compare(self, epoch: int, ours: bytes | None, now_s: int) -> bool:
        """Compare one epoch; True if no later comparison is needed."""
        posted = await self._chain.epoch(epoch)
        if posted.ready and posted.commit != ours:
            self.differs(epoch)
            return False
        self.agrees(epoch)
        if posted.ready:
            # Wrong data of a node may have made it look missed, a state that is not read again for long.
            await self._store.run(
                lambda connection: change(
                    connection,
                    epochs,
                    {"epoch": epoch, "settlement_state": State.MISSED},
                    settlement_state=State.POSTED,
                )
            )
        # Nor is a later comparison needed without a post and stored bytes, or once nothing can be challenged any more.
        return (
            posted.final
            or (ours is None and not posted.ready)
            or now_s > self._schedule.post_until(epoch) + self._schedule.late
        )

    async def run(self, until_first_s: float) -> None:
        """Compare until cancelled: every ``EVERY_S`` seconds, and more often before the first success or on a mismatch.

        Args:
            until_first_s: Seconds between two attempts then.
        """
        while True:
            try:
                await self.compare()
            except GomaaError as error:
                log.warning("comparing with the chain: %s", error)
            except Exception:
                log.exception("comparing with the chain failed")
            await asyncio.sleep(until_first_s if not self._compared or self._differing else EVERY_S)


def _stored_epochs(connection: Connection) -> tuple[dict[int, bytes], set[int], int]:
    """Commitments of the stored epochs; those in state ``missed``; the first epoch that is to be compared."""
    rows = connection.execute(select(epochs.c.epoch, epochs.c.commitment, epochs.c.settlement_state)).all()
    missed = {row.epoch for row in rows if row.settlement_state == State.MISSED}
    return {row.epoch: bytes(row.commitment) for row in rows}, missed, read_cursor(connection, COMPARED) or 0
