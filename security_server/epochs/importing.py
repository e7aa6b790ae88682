"""Imports an epoch that the chain has and the database lacks from its published bytes, after a restored backup."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select

from pywallet.errors import GomaaError, InputError
from pywallet.protocol.outcomes import PlayOutcome
from pywallet.settlement import NO_TERMS, EpochData, Schedule
from security_server.chain.view import ChainView
from security_server.chain.voucher_calldata import DebitVoucher
from security_server.db.connection import Connection
from security_server.db.cursors import FLOOR, read_cursor, set_cursor
from security_server.db.queries import change, get
from security_server.db.tables import (
    debits,
    entries,
    epoch_contents,
    epoch_owners,
    epoch_totals,
    epoch_usages,
    epochs,
    lines,
    payees,
    receipts,
    tickets,
    usage_leaves,
)
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.epochs.closed_epoch import ClosedEpoch
from security_server.epochs.epoch_store import write_epoch
from security_server.epochs.settlement_state import State

log = logging.getLogger("gomaa.server")


class EpochImporter:
    """Imports epochs."""

    def __init__(
        self, store: Store, chain: ChainView, server: bytes, schedule: Schedule, agreement: ChainAgreement
    ) -> None:
        self._store = store
        self._chain = chain
        self._server = server
        self._schedule = schedule
        self._agreement = agreement

    async def take(self, raw: bytes) -> int:
        """Import an epoch from its published bytes, if the chain holds their commitment; returns its number.

        The chain decides: this database's counts of that epoch are dropped, plays that the bytes settle count as paid
        (the debited amount is the chain's, see ``accounts.account``), and no receipt is signed for an epoch of which
        the lost database may have signed receipts. Importing the same bytes again changes nothing.

        Raises:
            InputError: ``server.epoch.import``: other bytes than the chain's, another server's, or of an epoch that is
                not posted.
        """
        try:
            closed = ClosedEpoch.of(raw)
            data = EpochData.decode(raw)
        except GomaaError as error:
            raise InputError("server.epoch.import", reason=error.detail.get("reason")) from None
        posted = await self._chain.epoch(data.epoch)
        if data.server != self._server or not posted.ready or posted.commit != closed.commitment:
            raise InputError(
                "server.epoch.import", epoch=data.epoch, posted=bool(posted.ready), server="0x" + data.server.hex()
            )
        vouchers = await self._chain.vouchers(data.epoch, closed.digest)
        if vouchers is None:
            log.warning(
                "epoch %d: the post's call data are not available; it could not be posted again if it became void",
                data.epoch,
            )
        running = self._schedule.epoch_of(await self._chain.now_ms() // 1000)
        await self._store.run(
            lambda connection: _write(connection, raw, data, closed.commitment, vouchers or (), running)
        )
        self._chain.forget_money()
        self._agreement.agrees(data.epoch)
        log.info("epoch %d imported", data.epoch)
        return data.epoch


def _write(
    connection: Connection,
    raw: bytes,
    data: EpochData,
    commitment: bytes,
    vouchers: Sequence[DebitVoucher],
    running: int,
) -> None:
    present = get(connection, epochs, epoch=data.epoch)
    if present is not None and present["commitment"] == commitment:
        return
    _forget(connection, data.epoch)
    write_epoch(connection, raw, vouchers, State.POSTED)
    for play in data.plays:
        if play.outcome != PlayOutcome.REFUSED and play.terms != NO_TERMS:
            _count_as_paid(connection, data.stations[play.station].station, play.ticket, play.heard_s)
    set_cursor(connection, FLOOR, max(read_cursor(connection, FLOOR) or 0, running + 1))


def _forget(connection: Connection, epoch: int) -> None:
    """Drop this database's counts of the epoch, which another database has closed."""
    for row in connection.execute(
        select(lines.c.ticket, lines.c.settled_intervals).where(lines.c.epoch == epoch)
    ).all():
        ticket = get(connection, tickets, id=row.ticket)
        if ticket is not None:
            _vouchered(connection, ticket, ticket["vouchered_intervals"] - row.settled_intervals)
    counted = (epoch_contents, epoch_owners, epoch_usages, epoch_totals)
    for table in (epochs, entries, lines, debits, payees, receipts, *counted, usage_leaves):
        connection.execute(delete(table).where(table.c.epoch == epoch))


def _count_as_paid(connection: Connection, station: bytes, number: int, heard_s: int) -> None:
    """Count a play of the imported epoch as paid, so that it is not charged again."""
    ticket = get(connection, tickets, station_address=station, number=number)
    if ticket is not None:
        _vouchered(connection, ticket, ticket["vouchered_intervals"] + heard_s // ticket["interval_s"])


def _vouchered(connection: Connection, ticket: Mapping[str, Any], vouchered: int) -> None:
    intervals = max(ticket["heard_intervals"], vouchered)
    values = {
        "vouchered_intervals": vouchered,
        "heard_intervals": intervals,
        "heard_ms": max(ticket["heard_ms"], intervals * ticket["interval_s"] * 1000),
        "unvouchered_intervals": intervals - vouchered if ticket["unvouchered_intervals"] else 0,
    }
    change(connection, tickets, {"id": ticket["id"]}, **values)
