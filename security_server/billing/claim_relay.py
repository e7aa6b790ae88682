"""Relay of claims for payees without gas: each is checked first and sent at most once at a time."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update

from chain.contracts.reverts import INVALID_CLAIM, LEAF_CLAIMED
from chain.contracts.settlement import ClaimItem
from messages.settlement import ClaimResult
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.protocol import Claim, Domain, Signed
from security_server.chain.view import ChainView
from security_server.config import Config, Keys
from security_server.db.connection import Connection
from security_server.db.queries import get, put
from security_server.db.rows import Row
from security_server.db.tables import claims, relay_costs
from security_server.db.writer import Store
from security_server.epochs.publishing import EpochPublisher
from security_server.signatures import require_refusing

MOST: Final = 32
"""Claims of one transaction."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
GAS: Final = (100_000, 150_000)
"""Gas reserved for a transaction, and for each claim in it: more than any takes.

The actual cost replaces it afterwards.
"""

REVERTS: Final = {LEAF_CLAIMED: "claim.done", INVALID_CLAIM: "claim.signature"}
"""Code of the refusal for each revert reason of a claim."""

WATCH_S: Final = 300.0
"""Seconds between two checks of the relayer's account."""

log = logging.getLogger("gomaa.server")


@dataclass(frozen=True)
class Standing:
    """State of the relayer's account.

    Attributes:
        state: ``ok``, ``low`` (balance), ``spent`` (budget) or ``unknown`` (not checked yet).
        balance_wei: Balance, wei.
        hour_wei: Gas of the last hour, wei.
        day_wei: Gas of the last day, wei.
    """

    state: str
    balance_wei: int = 0
    hour_wei: int = 0
    day_wei: int = 0


class ClaimRelay:
    """Sends claims of this server's epochs with the relayer's key, within a budget of gas."""

    def __init__(
        self,
        *,
        config: Config,
        keys: Keys,
        domain: Domain,
        store: Store,
        chain: ChainView,
        publishing: EpochPublisher,
    ) -> None:
        self._config = config
        self._keys = keys
        self._domain = domain
        self._store = store
        self._chain = chain
        self._address = keys.address
        self._publishing = publishing
        self.sending = asyncio.Lock()
        """Held while sending, so that a leaf or a payee's tokens are sent once."""
        self._reserving = asyncio.Lock()
        self.address = address_of(self._keys.relayer)
        """The relayer's account, which a payee's permit names."""
        # The day's sweeps, Unix ms and payee. They are lost at a restart; the gas of them is stored.
        self._swept: deque[tuple[int, bytes]] = deque()
        self.standing = Standing("unknown")

    async def run(self) -> None:
        """Check the relayer's account until cancelled."""
        while True:
            try:
                await self.check_account()
            except GomaaError as error:
                log.warning("relayer: %s", error)
            except Exception:
                log.exception("checking the relayer's account failed")
            await asyncio.sleep(WATCH_S)

    async def check_account(self) -> Standing:
        """Read balance and budget; a problem is logged when it begins."""
        config = self._config
        balance = await self._chain.balance(self.address)
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
        now_ms = await self._chain.now_ms()
        query = select(relay_costs.c.reserved_ms, relay_costs.c.gas_wei).where(
            relay_costs.c.reserved_ms > now_ms - DAY_MS
        )
        rows = await self._store.run(lambda connection: connection.execute(query).all())
        return sum(row.gas_wei for row in rows if row.reserved_ms > now_ms - HOUR_MS), sum(row.gas_wei for row in rows)

    async def affordable(self, claims_in_it: int, parts: int = 1) -> tuple[int, int]:
        """Wei of gas that a transaction may take, and the price of gas, wei.

        Args:
            claims_in_it: Number of claims in the transaction.
            parts: The budget is divided by this number: the rest is reserved for more urgent transactions.

        Raises:
            Refusal: ``claim.busy``: beyond the budget.
        """
        config = self._config
        price = await self._chain.gas_price()
        wei = (GAS[0] + GAS[1] * claims_in_it) * price
        hour, day = await self._spent()
        if (hour + wei) * parts > config.relay_hour_wei or (day + wei) * parts > config.relay_day_wei:
            await self.check_account()
            raise Refusal("claim.busy", hour_wei=config.relay_hour_wei, day_wei=config.relay_day_wei)
        return wei, price

    async def reserve(self, claims_in_it: int, parts: int = 1) -> tuple[int, int]:
        """Reserve gas before anything is sent; returns the row's number and the price of gas, wei.

        Arguments as of ``affordable``. Raises Refusal ``claim.busy``.
        """
        # Claims of one round reserve concurrently: none may count the same wei as free.
        async with self._reserving:
            wei, price = await self.affordable(claims_in_it, parts)
            now_ms = await self._chain.now_ms()
            made = insert(relay_costs).values(reserved_ms=now_ms, gas_wei=wei)
            old = delete(relay_costs).where(relay_costs.c.reserved_ms <= now_ms - DAY_MS)

            def work(connection: Connection) -> int:
                connection.execute(old)
                return int((connection.execute(made).inserted_primary_key or (0,))[0])

            return await self._store.run(work), price

    async def settle(self, number: int, wei: int) -> None:
        """Replace a reservation by the actual cost of the transaction, wei."""
        change = update(relay_costs).where(relay_costs.c.id == number).values(gas_wei=wei)
        await self._store.run(lambda connection: connection.execute(change) and None)

    async def claim(self, messages: Sequence[Any]) -> ClaimResult:
        """Check every claim and send one transaction; returns once it is in a block.

        The relayer pays the gas, within the operator's limits: claims of an hour, gas of an hour and a day, least
        amount of a claim, highest price of gas. A claim that is not relayed can be sent by anyone who has the payee's
        signature.

        Raises Refusal ``claim.*``; Unavailable ``chain.unreachable``; GomaaError ``chain.reverted``,
        ``chain.fee.high``.
        """
        signed = [Signed.from_json(Claim, message) for message in messages]
        if len({(claim.message.epoch, claim.message.payee) for claim in signed}) != len(signed):
            raise InputError("message.schema", field="claims", reason="one claim twice")
        async with self.sending:
            return ClaimResult(to_hex(await self.send(signed, limited=True)))

    async def check(self, signed: Sequence[Signed[Claim]]) -> tuple[list[ClaimItem], list[tuple[bytes, int]]]:
        """Check claims; returns the contract's items and their proofs.

        Raises Refusal ``claim.*``; Unavailable ``chain.unreachable``; InputError ``message.schema``.
        """
        to, tip = signed[0].message.to, signed[0].message.tip
        for claim in signed:
            if claim.message.server != self._address or claim.message.to != to or claim.message.tip != tip:
                raise InputError("message.schema", field="claims", reason="one server, one recipient and one tip")
        # Only owners, who keep one address, are paid without their signature: a payee's address of one hour would need
        # coins to move what arrives there.
        pushed = not tip and await self._chain.is_owner(to)
        for claim in signed:
            if not pushed or claim.message.payee != to:
                require_refusing(claim, self._domain, claim.message.payee, "claim.signature")
        items: list[ClaimItem] = []
        nodes: list[tuple[bytes, int]] = []
        for claim in signed:
            item, path = await self._publishing.claim_item(claim, signed=not pushed or claim.message.payee != to)
            if item.amount < self._config.relay_least_wei:
                raise Refusal("claim.small", least_wei=self._config.relay_least_wei, amount_wei=item.amount)
            items.append(item)
            nodes.extend(path)
        return items, nodes

    async def send(self, signed: Sequence[Signed[Claim]], *, limited: bool = False) -> bytes:
        """Send claims of one recipient in one transaction, with ``sending`` held; its hash once it is in a block.

        Args:
            signed: The claims.
            limited: True to refuse beyond this hour's claims. Claims of the queue were counted when they were queued.

        Raises:
            Refusal: ``claim.*``; ``claim.done`` also for a transaction of before a crash, which is stored then.
            GomaaError: ``chain.*``.
        """
        items, nodes = await self.check(signed)
        first = signed[0].message
        for claim in signed:
            await self._unclaimed(claim.message)
        if limited:
            await self.require_hourly_room(len(signed))
        number, price = await self.reserve(len(signed))
        try:
            transaction, gas = await self._chain.claim(self._keys.relayer, items, nodes, first.to, first.tip)
        except GomaaError as error:
            if "transaction" not in error.detail:
                # Refused before it was sent: nothing was spent.
                await self.settle(number, 0)
            code = REVERTS.get(str(error.detail.get("reason")))
            if code == "claim.done":
                await self._recall(signed)
            if code is not None:
                raise Refusal(code) from None
            raise
        await self.settle(number, gas * price)
        now_ms = await self._chain.now_ms()
        for claim in signed:
            await self._done(claim.message, claim.message.to, transaction, now_ms)
        return transaction

    async def sent(self, claim: Claim) -> Row | None:
        """Row of a leaf that this relayer has sent: ``recipient``, ``transaction``; None: not sent."""
        return await self._store.run(lambda connection: get(connection, claims, epoch=claim.epoch, payee=claim.payee))

    async def _recall(self, signed: Sequence[Signed[Claim]]) -> None:
        """Store the transactions that the chain has for these leaves, for later requests."""
        now_ms = await self._chain.now_ms()
        for claim in signed:
            paid = await self._chain.paid(claim.message.epoch, claim.message.payee)
            if paid is not None:
                await self._done(claim.message, paid[1], paid[0], now_ms)

    async def count_sweep(self, payee: bytes) -> None:
        """Count a payee's sweep among this hour's transactions."""
        self._swept.append((await self._chain.now_ms(), payee))

    async def swept(self, payee: bytes) -> int:
        """Sweeps of a payee within a day."""
        since_ms = await self._chain.now_ms() - DAY_MS
        return sum(time_ms > since_ms and swept == payee for time_ms, swept in self._swept)

    async def require_hourly_room(self, more: int) -> None:
        """Require room for ``more`` claims or sweeps in this hour. Raises Refusal ``claim.busy``."""
        now_ms = await self._chain.now_ms()
        since_ms = now_ms - HOUR_MS
        while self._swept and self._swept[0][0] <= now_ms - DAY_MS:
            self._swept.popleft()
        swept = sum(time_ms > since_ms for time_ms, _ in self._swept)
        sent = select(func.count()).select_from(claims).where(claims.c.sent_ms > since_ms)
        already = await self._store.run(lambda connection: int(connection.execute(sent).scalar_one()))
        if already + swept + more > self._config.relay_per_hour:
            raise Refusal("claim.busy", per_hour=self._config.relay_per_hour)

    async def _unclaimed(self, claim: Claim) -> None:
        row = await self.sent(claim)
        if row is not None:
            raise Refusal("claim.done", transaction=to_hex(row["transaction"]))

    async def _done(self, claim: Claim, to: bytes, transaction: bytes, now_ms: int) -> None:
        key = {"epoch": claim.epoch, "payee": claim.payee}
        values = {"recipient": to, "transaction": transaction, "sent_ms": now_ms}
        await self._store.run(lambda connection: put(connection, claims, key, **values))
