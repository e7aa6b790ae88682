"""Queue of claims that are to be paid in private: held for a while, then sent in random order with those of other listeners."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, func, select

from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.hexes import to_hex
from pywallet.messages import Claim, Signed
from security_server.core import Core
from security_server.relay import Relay
from security_server.rows import change, get, put
from security_server.tables import queued_claims

LOOK_S: Final = 1.0
"""Pause between two looks at the queue."""
MOST_TRIES: Final = 5
"""A claim that failed so often leaves the queue; its wallet asks again and is told the reason."""
ENDED: Final = ("claim.done", "claim.signature", "claim.unknown", "claim.small")
"""Refusals that no later attempt changes."""

log = logging.getLogger("gomaa.server")


class Mixer:
    """Holds claims in the database until the oldest has waited ``relay_mix_s``, or ``relay_mix_most`` are there; then sends them.

    The contract pays the leaves of one transaction to one recipient, so each claim has a transaction of its own; those of a round
    are numbered in random order, one after the other.
    """

    def __init__(self, core: Core, relay: Relay) -> None:
        self._core = core
        self._relay = relay

    async def run(self) -> None:
        """Send what is due, for ever."""
        while True:
            try:
                await self.round()
            except GomaaError as error:
                log.warning("mixing: %s", error)
            except Exception:
                log.exception("mixing failed")
            await asyncio.sleep(LOOK_S)

    async def take(self, messages: list[Any]) -> dict[str, Any]:
        """Keep a claim until its round; asked again, the answer is where it stands.

        Args:
            messages: One signed ``Claim``: two in one request would say that they belong together.

        Returns:
            ``transaction`` where it was sent already, else null, and ``due_s``, Unix seconds at which it is sent at the latest.

        Raises:
            InputError: ``message.schema``.
            Refusal: ``claim.*``; ``claim.done`` where the leaf went to somebody else.
            GomaaError: ``chain.unreachable``.
        """
        if len(messages) != 1:
            raise InputError("message.schema", field="claims", reason="one at a time where it is mixed")
        signed = Signed.from_json(Claim, messages[0])
        claim = signed.message
        core = self._core
        sent = await self._relay.sent(claim)
        if sent is not None:
            if sent["to"] != claim.to:
                raise Refusal("claim.done", transaction=to_hex(sent["transaction"]))
            return {"transaction": to_hex(sent["transaction"])}
        await self._relay.check([signed])
        now_ms = await core.now_ms()
        row = await core.store.run(lambda connection: get(connection, queued_claims, epoch=claim.epoch, payee=claim.payee))
        if row is None:
            waiting = await core.store.run(_waiting)
            await self._relay.within(waiting + 1)
            await self._relay.affordable(1)
        due_ms = now_ms + int(core.config.relay_mix_s * 1000) if row is None else row["due_ms"]
        kept = {"message": msgspec.json.encode(messages[0]).decode(), "due_ms": due_ms}
        if row is None or row["message"] != kept["message"]:
            key = {"epoch": claim.epoch, "payee": claim.payee}
            await core.store.run(lambda connection: put(connection, queued_claims, key, **kept, tries=0))
        return {"transaction": None, "due_s": due_ms // 1000}

    async def round(self) -> int:
        """Send what waits if it is time; how many were sent."""
        config = self._core.config
        now_ms = await self._core.now_ms()
        query = select(queued_claims).order_by(queued_claims.c.due_ms).limit(config.relay_mix_most)
        rows = await self._core.store.run(lambda connection: connection.execute(query).mappings().all())
        if not rows or (len(rows) < config.relay_mix_most and rows[0]["due_ms"] > now_ms):
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
            if error.code not in ENDED and row["tries"] + 1 < MOST_TRIES:
                due_ms = await self._core.now_ms() + int(self._core.config.relay_mix_s * 1000)
                await self._core.store.run(lambda connection: change(connection, queued_claims, key, due_ms=due_ms, tries=row["tries"] + 1))
                return False
            if error.code != "claim.done":
                log.warning("a claim of epoch %d leaves the queue: %s", row["epoch"], error.code)
            await self._core.store.run(lambda connection: _drop(connection, row))
            return False
        await self._core.store.run(lambda connection: _drop(connection, row))
        return True


def _waiting(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(queued_claims)).scalar_one())


def _drop(connection: Connection, row: dict[str, Any]) -> None:
    """Forget a claim, unless another one of the same leaf took its place meanwhile."""
    table = queued_claims.c
    same = (table.epoch == row["epoch"], table.payee == row["payee"], table.message == row["message"])
    connection.execute(delete(queued_claims).where(*same))
