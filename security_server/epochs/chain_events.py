"""Copies challenges and refunds of this server from the chain's events into the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, select

from pywallet.errors import Unavailable
from security_server.chain.challenge_events import ChallengeEvent, RefundEvent
from security_server.chain.view import ChainView
from security_server.chain.voucher_calldata import MOST_BLOCKS
from security_server.db.connection import Connection
from security_server.db.cursors import EVENTS, read_cursor, set_cursor
from security_server.db.queries import get, put
from security_server.db.tables import challenges, refunds
from security_server.db.writer import Store

REPLACED: Final = 64
"""Newest blocks that are read again each time, because a reorganisation may replace them."""


class ChainEvents:
    """Keeps the tables ``challenges`` and ``refunds`` equal to the chain's events."""

    def __init__(self, store: Store, chain: ChainView) -> None:
        self._store = store
        self._chain = chain
        self._span = MOST_BLOCKS

    async def update(self) -> None:
        """Read on from the cursor to the newest block.

        Raises:
            Unavailable: ``chain.unreachable``: the node refuses even single blocks. Events read before are kept.
        """
        head = await self._chain.head()
        cursor = await self._store.run(lambda connection: read_cursor(connection, EVENTS))
        at = first = min(self._chain.first_block if cursor is None else cursor, head)
        challenged: list[ChallengeEvent] = []
        refunded: list[RefundEvent] = []
        try:
            while at <= head:
                last = min(head, at + self._span - 1)
                try:
                    more = await self._chain.events(at, last)
                except Unavailable:
                    if self._span == 1:
                        raise
                    self._span = max(1, self._span // 2)
                else:
                    challenged += more[0]
                    refunded += more[1]
                    at, self._span = last + 1, min(MOST_BLOCKS, self._span * 2)
        finally:
            if at > first:
                stable = min(at, head + 1 - REPLACED)
                await self._store.run(
                    lambda connection: _replace(connection, first, at - 1, challenged, refunded, stable)
                )


def _replace(
    connection: Connection,
    first: int,
    last: int,
    challenged: Sequence[ChallengeEvent],
    refunded: Sequence[RefundEvent],
    cursor: int,
) -> None:
    """Replace the events of the blocks ``first`` to ``last`` (both included) and move the cursor forward."""
    present = {(challenge.epoch, challenge.payee, challenge.amount) for challenge in challenged}
    before = connection.execute(select(challenges).where(challenges.c.block.between(first, last))).mappings().all()
    for old in before:
        key = {"epoch": old["epoch"], "payee": old["payee"], "amount": old["amount"]}
        if tuple(key.values()) not in present:
            connection.execute(delete(challenges).where(*(challenges.c[name] == value for name, value in key.items())))
    for challenge in challenged:
        key = {"epoch": challenge.epoch, "payee": challenge.payee, "amount": challenge.amount}
        row = get(connection, challenges, **key)
        if row is None or row["block"] != challenge.block:
            put(connection, challenges, key, block=challenge.block, closed_block=None)
    connection.execute(delete(refunds).where(refunds.c.block.between(first, last)))
    for refund in refunded:
        put(connection, refunds, {"epoch": refund.epoch}, block=refund.block)
    if cursor > (read_cursor(connection, EVENTS) or 0):
        set_cursor(connection, EVENTS, cursor)
