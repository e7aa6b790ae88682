"""Queue of claims that are held, then sent in random order with those of other listeners (decision 0051)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, func, select

from messages.settlement import ClaimResult
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.protocol import Claim, Signed
from pywallet.settlement import Schedule
from security_server.billing.claim_relay import HOUR_MS, ClaimRelay
from security_server.chain.view import ChainView
from security_server.config import Config
from security_server.db.queries import change, get, put
from security_server.db.tables import queued_claims, receipts
from security_server.db.writer import Store

LOOK_S: Final = 1.0
"""Pause between two looks at the queue."""
MOST_TRIES: Final = 5
"""A claim that failed so often leaves the queue; its wallet asks again and is told the reason."""
MOST_AHEAD_S: Final = 14 * 86_400
"""How far ahead a claim may name its moment."""
ENDED: Final = ("claim.done", "claim.signature", "claim.small")
"""Refusals that no later attempt changes."""
EARLY: Final = ("claim.pending", "claim.unknown")
"""Refusals of an epoch that was posted late, or is challenged: the next attempt is an epoch later."""

log = logging.getLogger("gomaa.server")


class ClaimMixer:
    """Queue in the database, and the rounds in which it is sent.

    Each claim waits for its moment, and then until the oldest of those whose moment has come has waited
    ``relay_mix_s``, or ``relay_mix_most`` of them are there. A wallet hands its claim over while it listens, before the
    epoch is final: whether its computer runs later is not seen on the chain. The contract pays the leaves of one
    transaction to one recipient, so each claim has a transaction of its own; those of a round are numbered in random
    order, one after the other.
    """

    def __init__(
        self,
        *,
        config: Config,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        relay: ClaimRelay,
    ) -> None:
        self._config = config
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._relay = relay

    async def run(self) -> None:
        """Do rounds until cancelled."""
        while True:
            try:
                await self.round()
            except GomaaError as error:
                log.warning("mixing: %s", error)
            except Exception:
                log.exception("mixing failed")
            await asyncio.sleep(LOOK_S)

    async def take(self, messages: list[Any], after_s: int = 0) -> ClaimResult:
        """Keep a claim until its round; asked again, the answer is where it stands.

        Args:
            messages: One signed ``Claim``: two in one request would say that they belong together.
            after_s: Unix seconds before which it is not sent; no claim is sent before its epoch is final.

        Returns:
            ``transaction`` where it was sent already, else null, and ``due_s``, Unix seconds at which it is sent at the
            latest.

        Raises:
            InputError: ``message.schema``.
            Refusal: ``claim.*``; ``claim.done`` where the leaf went to somebody else.
            GomaaError: ``chain.unreachable``.
        """
        if len(messages) != 1:
            raise InputError("message.schema", field="claims", reason="one at a time where it is mixed")
        signed = Signed.from_json(Claim, messages[0])
        claim = signed.message
        sent = await self._relay.sent(claim)
        if sent is not None:
            if sent["recipient"] != claim.to:
                raise Refusal("claim.done", transaction=to_hex(sent["transaction"]))
            return ClaimResult(to_hex(sent["transaction"]))
        now_ms = await self._chain.now_ms()
        if after_s * 1000 > now_ms + MOST_AHEAD_S * 1000:
            raise InputError("message.schema", field="after_s")
        begin_ms = max(now_ms, after_s * 1000, await self._final_ms(signed))
        row = await self._store.run(
            lambda connection: get(connection, queued_claims, epoch=claim.epoch, payee=claim.payee)
        )
        if row is None:
            waiting = await self._store.run(
                lambda connection: _waiting(connection, begin_ms + int(self._config.relay_mix_s * 1000))
            )
            await self._relay.within(waiting + 1)
            await self._relay.affordable(1)
        due_ms = begin_ms + int(self._config.relay_mix_s * 1000) if row is None else row["send_by_ms"]
        kept = {"message": msgspec.json.encode(messages[0]).decode(), "send_by_ms": due_ms}
        if row is None or row["message"] != kept["message"]:
            key = {"epoch": claim.epoch, "payee": claim.payee}
            await self._store.run(lambda connection: put(connection, queued_claims, key, **kept, attempts=0))
        return ClaimResult(None, due_s=due_ms // 1000)

    async def _final_ms(self, signed: Signed[Claim]) -> int:
        """When the epoch of a claim is final at the earliest, Unix ms; 0 where it is. Raises as ``take``."""
        claim = signed.message
        try:
            await self._relay.check([signed])
        except Refusal as refused:
            if refused.code not in EARLY:
                raise
            # An epoch that is not closed has no leaves; a receipt says that there will be one.
            owed = (receipts.c.epoch == claim.epoch, receipts.c.payee == claim.payee)
            query = select(receipts.c.epoch).where(*owed).limit(1)
            if (
                refused.code == "claim.unknown"
                and await self._store.run(lambda connection: connection.execute(query).first()) is None
            ):
                raise
            return self._schedule.due(claim.epoch) * 1000
        return 0

    async def round(self) -> int:
        """Send the round if it is due; returns how many claims were sent."""
        config = self._config
        now_ms = await self._chain.now_ms()
        # What failed waits for its own time: with many others it would be tried again at once, and given up.
        first = (queued_claims.c.attempts == 0) & (
            queued_claims.c.send_by_ms <= now_ms + int(config.relay_mix_s * 1000)
        )
        begun = first | (queued_claims.c.send_by_ms <= now_ms)
        query = select(queued_claims).where(begun).order_by(queued_claims.c.send_by_ms).limit(config.relay_mix_most)
        rows = await self._store.run(lambda connection: connection.execute(query).mappings().all())
        if not rows or (len(rows) < config.relay_mix_most and rows[0]["send_by_ms"] > now_ms):
            return 0
        batch = [dict(row) for row in rows]
        secrets.SystemRandom().shuffle(batch)
        async with self._relay.sending:
            return sum(await asyncio.gather(*(self._send(row) for row in batch)))

    async def _send(self, row: dict[str, Any]) -> bool:
        """Send one, and take it off the queue where that has ended."""
        key = {"epoch": row["epoch"], "payee": row["payee"]}
        try:
            await self._relay.send([Signed.from_json(Claim, msgspec.json.decode(row["message"]))])
        except GomaaError as error:
            if error.code not in ENDED and row["attempts"] + 1 < MOST_TRIES:
                wait_s = self._schedule.length if error.code in EARLY else 0
                due_ms = await self._chain.now_ms() + int((wait_s + self._config.relay_mix_s) * 1000)
                await self._store.run(
                    lambda connection: change(
                        connection, queued_claims, key, send_by_ms=due_ms, attempts=row["attempts"] + 1
                    )
                )
                return False
            if error.code != "claim.done":
                log.warning("a claim of epoch %d leaves the queue: %s", row["epoch"], error.code)
            await self._store.run(lambda connection: _drop(connection, row))
            return False
        await self._store.run(lambda connection: _drop(connection, row))
        return True


def _waiting(connection: Connection, due_ms: int) -> int:
    """Claims that wait for the hour before a moment."""
    table = queued_claims.c
    hour = (table.send_by_ms > due_ms - HOUR_MS, table.send_by_ms <= due_ms)
    return int(connection.execute(select(func.count()).where(*hour)).scalar_one())


def _drop(connection: Connection, row: dict[str, Any]) -> None:
    """Delete a claim, unless another one of the same leaf has replaced it."""
    table = queued_claims.c
    same = (table.epoch == row["epoch"], table.payee == row["payee"], table.message == row["message"])
    connection.execute(delete(queued_claims).where(*same))
