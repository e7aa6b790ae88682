"""Claims that the server sends for those who have no gas: checked first, each at most once at a time."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from chain.settlement import ClaimItem
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.hexes import ZERO_ADDRESS, to_hex
from pywallet.messages import Claim, Signed, Sweep
from pywallet.platform import address_of, recover
from pywallet.wallet.permit import Permit
from security_server.core import Core
from security_server.playing import require_refusing
from security_server.publishing import Publishing
from security_server.rows import get, put
from security_server.tables import claims, receipts, relay_costs

MOST: Final = 32
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
GAS: Final = (100_000, 150_000)
"""Gas set aside for a transaction, and for each claim in it: more than any takes. What it took replaces it afterwards."""

SWEEP_S: Final = 3_600
"""How far ahead a sweep's deadline may be."""

WATCH_S: Final = 300.0
"""How often the relayer's account is looked at."""

log = logging.getLogger("gomaa.server")


@dataclass(frozen=True)
class Standing:
    """How the relayer's account stands: ``state`` is ok, low (balance), spent (budget) or unknown (not looked at yet)."""

    state: str
    balance_wei: int = 0
    hour_wei: int = 0
    day_wei: int = 0


class Relay:
    """Sends claims of this server's epochs, and what lies at its payees, with the relayer's key, within a budget of gas."""

    def __init__(self, core: Core, publishing: Publishing) -> None:
        self._core = core
        self._publishing = publishing
        self._sending = asyncio.Lock()
        self.address = address_of(core.keys.relayer)
        """Whose gas it is, and whom a payee's permit names."""
        # The hour's sweeps, Unix ms. A restart forgets them, and not the gas they took.
        self._swept: deque[int] = deque()
        self.standing = Standing("unknown")

    async def run(self) -> None:
        """Look at the relayer's account for ever."""
        while True:
            try:
                await self.look()
            except GomaaError as error:
                log.warning("relayer: %s", error)
            except Exception:
                log.exception("looking at the relayer failed")
            await asyncio.sleep(WATCH_S)

    async def look(self) -> Standing:
        """How the account stands now. What is wrong with it is logged when it begins."""
        core, config = self._core, self._core.config
        balance = await core.chain.balance(self.address)
        hour, day = await self._spent()
        state = "low" if balance < config.relay_low_wei else "ok"
        if hour * 10 >= config.relay_hour_wei * 9 or day * 10 >= config.relay_day_wei * 9:
            state = "spent"
        if state not in ("ok", self.standing.state):
            log.error(
                "relayer %s is %s: balance %d wei, gas of this hour %d of %d wei, of this day %d of %d wei",
                *(to_hex(self.address), state, balance, hour, config.relay_hour_wei, day, config.relay_day_wei),
            )
        self.standing = Standing(state, balance, hour, day)
        return self.standing

    async def _spent(self) -> tuple[int, int]:
        """Wei of gas in the last hour and in the last day."""
        now_ms = await self._core.now_ms()
        query = select(relay_costs.c.time_ms, relay_costs.c.wei).where(relay_costs.c.time_ms > now_ms - DAY_MS)
        rows = await self._core.store.run(lambda connection: connection.execute(query).all())
        return sum(row.wei for row in rows if row.time_ms > now_ms - HOUR_MS), sum(row.wei for row in rows)

    async def _reserve(self, claims_in_it: int) -> tuple[int, int]:
        """Set gas aside before anything is sent: the row's number, and the price of gas in wei. Raises Refusal ``claim.busy``."""
        core, config = self._core, self._core.config
        price = await core.chain.gas_price()
        wei = (GAS[0] + GAS[1] * claims_in_it) * price
        hour, day = await self._spent()
        if hour + wei > config.relay_hour_wei or day + wei > config.relay_day_wei:
            await self.look()
            raise Refusal("claim.busy", hour_wei=config.relay_hour_wei, day_wei=config.relay_day_wei)
        now_ms = await core.now_ms()
        made = insert(relay_costs).values(time_ms=now_ms, wei=wei)
        old = delete(relay_costs).where(relay_costs.c.time_ms <= now_ms - DAY_MS)

        def work(connection: Connection) -> int:
            connection.execute(old)
            return int((connection.execute(made).inserted_primary_key or (0,))[0])

        return await core.store.run(work), price

    async def _settle(self, number: int, wei: int) -> None:
        """What the transaction took, instead of what was set aside."""
        change = update(relay_costs).where(relay_costs.c.id == number).values(wei=wei)
        await self._core.store.run(lambda connection: connection.execute(change) and None)

    async def claim(self, messages: Sequence[Any]) -> dict[str, Any]:
        """Check every claim, send one transaction, answer when the chain has it.

        The relayer pays the gas: it sends so many claims an hour, within a budget of gas an hour and a day, none that carries less
        than the operator's least, and none while gas costs more than the operator allows. A claim that is not relayed can be sent by
        anyone who has the payee's signature.

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
        # Only owners, who use one address for good, are paid without a word of theirs: who is paid at an address of one night would need
        # coins there to move it.
        pushed = not tip and await core.chain.is_owner(to)
        for one in signed:
            if not pushed or one.message.payee != to:
                require_refusing(one, core, one.message.payee, "claim.signature")
        items: list[ClaimItem] = []
        nodes: list[tuple[bytes, int]] = []
        for one in signed:
            item, path = await self._publishing.claim_item(one, signed=not pushed or one.message.payee != to)
            if item.amount < core.config.relay_least_wei:
                raise Refusal("claim.small", least_wei=core.config.relay_least_wei, amount_wei=item.amount)
            items.append(item)
            nodes.extend(path)
        async with self._sending:
            for one in signed:
                await self._unclaimed(one.message)
            await self._within(len(signed))
            number, price = await self._reserve(len(signed))
            try:
                transaction, gas = await core.chain.claim(core.keys.relayer, items, nodes, to, tip)
            except GomaaError as error:
                if "transaction" not in error.detail:
                    # It was refused before it was sent: nothing was spent.
                    await self._settle(number, 0)
                if error.detail.get("reason") == "claimed":
                    raise Refusal("claim.done") from None
                raise
            await self._settle(number, gas * price)
            now_ms = await core.now_ms()
            for one in signed:
                await self._done(one.message, transaction, now_ms)
        return {"transaction": to_hex(transaction)}

    async def sweep(self, message: Any, permit: bytes) -> dict[str, Any]:
        """Send what lies at a payee to where the payee says, under its permit: for a listener without coins for gas.

        The permit (EIP-2612) names this relayer and an amount, the order besides for whom: another's permit, another amount, a
        passed deadline and an address that no receipt of this server names are refused before anything is sent. It is sent within
        the limits and the budget of claims. What an earlier call has brought to the token already is not brought again.

        Args:
            message: The payee's signed ``Sweep``.
            permit: The payee's signature of the permit, 65 bytes.

        Returns:
            ``transaction``, once it is in a block.

        Raises:
            Refusal: ``claim.signature``, ``claim.unknown``, ``claim.small``, ``claim.done`` (nothing lies there), ``claim.busy``.
            GomaaError: ``chain.unreachable``, ``chain.reverted``, ``chain.fee.high``.
        """
        core, config = self._core, self._core.config
        signed = Signed.from_json(Sweep, message)
        order = signed.message
        require_refusing(signed, core, order.payee, "claim.signature")
        if order.to in (ZERO_ADDRESS, order.payee, core.chain.token, core.domain.settlement):
            raise InputError("message.schema", field="to")
        now_s = await core.now_ms() // 1000
        if order.relayer != self.address or not now_s < order.deadline <= now_s + SWEEP_S:
            raise Refusal("claim.signature", reason="relayer or deadline", expected=to_hex(self.address), now_s=now_s)
        if order.amount < max(1, config.relay_least_wei):
            raise Refusal("claim.small", least_wei=config.relay_least_wei, amount_wei=order.amount)
        known = select(receipts.c.epoch).where(receipts.c.payee == order.payee).limit(1)
        if await core.store.run(lambda connection: connection.execute(known).first()) is None:
            raise Refusal("claim.unknown")
        async with self._sending:
            held = await core.chain.held(order.payee, self.address)
            if held is None or held.amount < order.amount:
                raise Refusal("claim.done")
            allowed = _permit(core, order, held.nonce)
            # Anyone may have brought the permit to the token, or this relayer before it was interrupted.
            bring = held.allowed < order.amount
            if bring and not _signed_by(allowed, permit, order.payee):
                raise Refusal("claim.signature", reason="permit")
            await self._within(1)
            number, price = await self._reserve(1)
            self._swept.append(await core.now_ms())
            gas = 0
            try:
                if bring:
                    gas += (await core.chain.permit(core.keys.relayer, allowed, permit))[1]
                transaction, more = await core.chain.transfer_from(core.keys.relayer, order.payee, order.to, order.amount)
            except GomaaError as error:
                if "transaction" not in error.detail:
                    await self._settle(number, gas * price)
                raise
            await self._settle(number, (gas + more) * price)
        return {"transaction": to_hex(transaction)}

    async def _within(self, more: int) -> None:
        """Refuse what goes beyond this hour's claims and sweeps."""
        since_ms = await self._core.now_ms() - HOUR_MS
        while self._swept and self._swept[0] <= since_ms:
            self._swept.popleft()
        sent = select(func.count()).select_from(claims).where(claims.c.time_ms > since_ms)
        already = await self._core.store.run(lambda connection: int(connection.execute(sent).scalar_one()))
        if already + len(self._swept) + more > self._core.config.relay_per_hour:
            raise Refusal("claim.busy", per_hour=self._core.config.relay_per_hour)

    async def _unclaimed(self, claim: Claim) -> None:
        row = await self._core.store.run(lambda connection: get(connection, claims, epoch=claim.epoch, payee=claim.payee))
        if row is not None:
            raise Refusal("claim.done", transaction=to_hex(row["transaction"]))

    async def _done(self, claim: Claim, transaction: bytes, now_ms: int) -> None:
        key = {"epoch": claim.epoch, "payee": claim.payee}
        values = {"to": claim.to, "transaction": transaction, "time_ms": now_ms}
        await self._core.store.run(lambda connection: put(connection, claims, key, **values))


def _permit(core: Core, order: Sweep, nonce: int) -> Permit:
    return Permit(core.domain.chain_id, core.chain.token, order.payee, order.relayer, order.amount, nonce, order.deadline)


def _signed_by(permit: Permit, signature: bytes, owner: bytes) -> bool:
    try:
        return recover(permit.digest, signature) == owner
    except InputError:
        return False
