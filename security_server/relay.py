"""Claims that the server sends for those who have no gas: checked first, each at most once at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, select

from chain.settlement import ClaimItem
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.hexes import to_hex
from pywallet.messages import Claim, Signed
from security_server.core import Core
from security_server.playing import require_refusing
from security_server.publishing import Publishing
from security_server.rows import get, put
from security_server.tables import claims

MOST: Final = 32
HOUR_MS: Final = 3_600_000


class Relay:
    """Sends claims of this server's epochs with the relayer's key."""

    def __init__(self, core: Core, publishing: Publishing) -> None:
        self._core = core
        self._publishing = publishing
        self._sending = asyncio.Lock()

    async def claim(self, messages: Sequence[Any]) -> dict[str, Any]:
        """Check every claim, send one transaction, answer when the chain has it.

        The relayer pays the gas: it sends so many claims an hour, none that carries less than the operator's least,
        and none while gas costs more than the operator allows. A claim that is not relayed can be sent by anyone.

        Raises Refusal ``claim.*``; Unavailable ``chain.unreachable``; GomaaError ``chain.reverted``, ``chain.fee.high``.
        """
        core = self._core
        signed = [Signed.from_json(Claim, message) for message in messages]
        if len({(one.message.epoch, one.message.payee) for one in signed}) != len(signed):
            raise InputError("message.schema", field="claims", reason="one claim twice")
        to, tip = signed[0].message.to, signed[0].message.tip
        for one in signed:
            if one.message.server != core.address or one.message.to != to or one.message.tip != tip:
                raise InputError("message.schema", field="claims", reason="one server, one recipient and one tip")
            if one.message.to != one.message.payee or one.message.tip:
                require_refusing(one, core, one.message.payee, "claim.signature")
        items: list[ClaimItem] = []
        nodes: list[tuple[bytes, int]] = []
        for one in signed:
            item, path = await self._publishing.claim_item(one)
            if item.amount < core.config.relay_least_wei:
                raise Refusal("claim.small", least_wei=core.config.relay_least_wei, amount_wei=item.amount)
            items.append(item)
            nodes.extend(path)
        async with self._sending:
            for one in signed:
                await self._unclaimed(one.message)
            await self._within(len(signed))
            try:
                transaction = await core.chain.claim(core.keys.relayer, items, nodes, to, tip)
            except GomaaError as error:
                if error.detail.get("reason") == "claimed":
                    raise Refusal("claim.done") from None
                raise
            now_ms = await core.now_ms()
            for one in signed:
                await self._done(one.message, transaction, now_ms)
        return {"transaction": to_hex(transaction)}

    async def _within(self, more: int) -> None:
        """Refuse what goes beyond this hour's claims."""
        since_ms = await self._core.now_ms() - HOUR_MS
        sent = select(func.count()).select_from(claims).where(claims.c.time_ms > since_ms)
        already = await self._core.store.run(lambda connection: int(connection.execute(sent).scalar_one()))
        if already + more > self._core.config.relay_per_hour:
            raise Refusal("claim.busy", per_hour=self._core.config.relay_per_hour)

    async def _unclaimed(self, claim: Claim) -> None:
        row = await self._core.store.run(lambda connection: get(connection, claims, epoch=claim.epoch, payee=claim.payee))
        if row is not None:
            raise Refusal("claim.done", transaction=to_hex(row["transaction"]))

    async def _done(self, claim: Claim, transaction: bytes, now_ms: int) -> None:
        key = {"epoch": claim.epoch, "payee": claim.payee}
        values = {"to": claim.to, "transaction": transaction, "time_ms": now_ms}
        await self._core.store.run(lambda connection: put(connection, claims, key, **values))
