"""Queue of claims that are held, then sent in random order with those of other listeners (decision 0051)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, select

from messages.settlement import ClaimResult
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.protocol import Claim, Signed
from pywallet.settlement import Schedule
from security_server.billing.claim_relay import HOUR_MS, ClaimRelay
from security_server.chain.view import ChainView
from security_server.config import Config
from security_server.db.connection import Connection
from security_server.db.queries import change, get, put
from security_server.db.tables import queued_claims, receipts
from security_server.db.writer import Store

POLL_S: Final = 1.0
"""Seconds between two reads of the queue."""
MOST_TRIES: Final = 5
"""Attempts after which a claim leaves the queue; its wallet gets the reason at its next request."""
MOST_AHEAD_S: Final = 14 * 86_400
"""Most that ``after_s`` of a claim may lie ahead, seconds."""
PERMANENT: Final = ("claim.done", "claim.signature", "claim.small")
"""Refusals that no later attempt changes."""
EARLY: Final = ("claim.pending", "claim.unknown")
"""Refusals for an epoch that is posted late or challenged: the next attempt is an epoch later."""

log = logging.getLogger("gomaa.server")


class ClaimMixer:
    """Queue in the database, and the rounds in which it is sent.

    A claim becomes due at its own time; a round starts when the oldest due claim has been due for ``relay_mix_s``, or
    when ``relay_mix_most`` claims are due. A wallet hands its claim over while it listens, before the epoch is final,
    so the chain does not show when its computer runs. The contract pays the leaves of one transaction to one recipient,
    so each claim has a transaction of its own; those of a round are sent one after the other in random order.
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
            await asyncio.sleep(POLL_S)

    async def take(self, messages: list[Any], after_s: int = 0) -> ClaimResult:
        """Queue a claim until its round; a repeated request returns its state.

        Args:
            messages: One signed ``Claim``: two in one request would link them.
            after_s: Unix seconds before which it is not sent; no claim is sent before its epoch is final.

        Returns:
            ``transaction`` if it is sent already, else null, and ``due_s``, the latest time of sending, Unix seconds.

        Raises:
            InputError: ``message.schema``.
            Refusal: ``claim.*``; ``claim.done``: the leaf was paid to another recipient.
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
                lambda connection: _queued(connection, begin_ms + int(self._config.relay_mix_s * 1000))
            )
            await self._relay.require_hourly_room(waiting + 1)
            await self._relay.affordable(1)
        due_ms = begin_ms + int(self._config.relay_mix_s * 1000) if row is None else row["send_by_ms"]
        kept = {"message": msgspec.json.encode(messages[0]).decode(), "send_by_ms": due_ms}
        if row is None or row["message"] != kept["message"]:
            key = {"epoch": claim.epoch, "payee": claim.payee}
            await self._store.run(lambda connection: put(connection, queued_claims, key, **kept, attempts=0))
        return ClaimResult(None, due_s=due_ms // 1000)

    async def _final_ms(self, signed: Signed[Claim]) -> int:
        """Earliest time at which the epoch of a claim is final, Unix ms; 0: it is. Raises as ``take``."""
        claim = signed.message
        try:
            await self._relay.check([signed])
        except Refusal as refused:
            if refused.code not in EARLY:
                raise
            # An epoch that is not closed has no leaves; a receipt proves that there will be one.
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
        """Send the round if it is due; returns the number of sent claims."""
        config = self._config
        now_ms = await self._chain.now_ms()
        # A failed claim keeps its own time: in a full round it would be tried again at once, and dropped.
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
        """Send a claim, and drop it from the queue unless it is to be tried again; True if it was sent."""
        key = {"epoch": row["epoch"], "payee": row["payee"]}
        try:
            await self._relay.send([Signed.from_json(Claim, msgspec.json.decode(row["message"]))])
        except GomaaError as error:
            if error.code not in PERMANENT and row["attempts"] + 1 < MOST_TRIES:
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


def _queued(connection: Connection, due_ms: int) -> int:
    """Queued claims that are due in the hour before a time."""
    table = queued_claims.c
    hour = (table.send_by_ms > due_ms - HOUR_MS, table.send_by_ms <= due_ms)
    return int(connection.execute(select(func.count()).where(*hour)).scalar_one())


def _drop(connection: Connection, row: dict[str, Any]) -> None:
    """Delete a claim, unless another one of the same leaf has replaced it."""
    table = queued_claims.c
    same = (table.epoch == row["epoch"], table.payee == row["payee"], table.message == row["message"])
    connection.execute(delete(queued_claims).where(*same))
