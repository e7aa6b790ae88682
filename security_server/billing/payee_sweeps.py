"""Transfers of tokens from payees by the relayer under the payee's permit, for listeners without coins for gas."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select

from messages.host_server.relay import RelayerResult, SweepResult
from pywallet.crypto import recover
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.protocol import Domain, Signed, Sweep
from pywallet.wallet.permit import Permit
from security_server.billing.claim_relay import ClaimRelay
from security_server.chain.view import ChainView
from security_server.config import Config, Keys
from security_server.db.tables import receipts
from security_server.db.writer import Store
from security_server.signatures import require_refusing

SWEEP_S: Final = 3_600
"""How far ahead a sweep's deadline may be."""
PARTS: Final = 2
"""Sweeps take one part of so many of the relayer's budget.

A payee can ask for any number of them; claims, of which there is one for each
leaf, go on with the rest.
"""
MOST: Final = 8
"""Sweeps of one payee in a day."""


class PayeeSweeps:
    """Transfers payees' tokens within the relayer's limits and budget."""

    def __init__(
        self,
        *,
        config: Config,
        keys: Keys,
        domain: Domain,
        store: Store,
        chain: ChainView,
        relay: ClaimRelay,
    ) -> None:
        self._config = config
        self._keys = keys
        self._domain = domain
        self._store = store
        self._chain = chain
        self._relay = relay

    async def offer(self, payee: bytes, amount: int) -> RelayerResult:
        """Whom the permit of a payee over ``amount`` wei has to name: ``relayer``, and its ``state``.

        Asked before a permit is signed: one that was given away and refused could be used all the same.

        Raises:
            Refusal: ``claim.unknown``, ``claim.small``, ``claim.busy``.
        """
        await self._worthy(payee, amount)
        await self._relay.within(1)
        await self._relay.affordable(1, PARTS)
        return RelayerResult(to_hex(self._relay.address), self._relay.standing.state)

    async def _worthy(self, payee: bytes, amount: int) -> None:
        """Refuse what is too small, payees that no receipt of this server names, and those that ask too often."""
        least = self._config.relay_least_wei
        if amount < max(1, least):
            raise Refusal("claim.small", least_wei=least, amount_wei=amount)
        query = select(receipts.c.epoch).where(receipts.c.payee == payee).limit(1)
        if await self._store.run(lambda connection: connection.execute(query).first()) is None:
            raise Refusal("claim.unknown")
        if await self._relay.swept(payee) >= MOST:
            raise Refusal("claim.busy", per_hour=self._config.relay_per_hour)

    async def sweep(self, message: Any, permit: bytes) -> SweepResult:
        """Send what lies at a payee to where the payee says, under its permit: for a listener without coins for gas.

        The permit (EIP-2612) names this relayer and an amount, the order besides for whom: another's permit, another
        amount, a passed deadline and an address that no receipt of this server names are refused before anything is
        sent. It is sent within the limits and the budget of claims. What an earlier call has brought to the token
        already is not brought again.

        Args:
            message: The payee's signed ``Sweep``.
            permit: The payee's signature of the permit, 65 bytes.

        Returns:
            ``transaction``, once it is in a block.

        Raises:
            Refusal: ``claim.signature``, ``claim.unknown``, ``claim.small``, ``claim.done`` (nothing lies there),
                ``claim.busy``.
            GomaaError: ``chain.unreachable``, ``chain.reverted``, ``chain.fee.high``.
        """
        signed = Signed.from_json(Sweep, message)
        order = signed.message
        require_refusing(signed, self._domain, order.payee, "claim.signature")
        if order.to in (ZERO_ADDRESS, order.payee, self._chain.token, self._domain.settlement):
            raise InputError("message.schema", field="to")
        now_s = await self._chain.now_ms() // 1000
        if order.relayer != self._relay.address or not now_s < order.deadline <= now_s + SWEEP_S:
            raise Refusal(
                "claim.signature", reason="relayer or deadline", expected=to_hex(self._relay.address), now_s=now_s
            )
        await self._worthy(order.payee, order.amount)
        async with self._relay.sending:
            held = await self._chain.held(order.payee, self._relay.address)
            if held is None or held.amount < order.amount:
                raise Refusal("claim.done")
            allowed = self._permit(order, held.nonce)
            # Anyone may have brought the permit to the token, or this relayer before it was interrupted.
            bring = held.allowed < order.amount
            if bring and not _signed_by(allowed, permit, order.payee):
                raise Refusal("claim.signature", reason="permit")
            await self._relay.within(1)
            number, price = await self._relay.reserve(1, PARTS)
            await self._relay.note(order.payee)
            gas = 0
            try:
                if bring:
                    gas += (await self._chain.permit(self._keys.relayer, allowed, permit))[1]
                transaction, more = await self._chain.transfer_from(
                    self._keys.relayer, order.payee, order.to, order.amount
                )
            except GomaaError as error:
                if "transaction" not in error.detail:
                    await self._relay.settle(number, gas * price)
                raise
            await self._relay.settle(number, (gas + more) * price)
        return SweepResult(to_hex(transaction))

    def _permit(self, order: Sweep, nonce: int) -> Permit:
        token = self._chain.token
        return Permit(self._domain.chain_id, token, order.payee, order.relayer, order.amount, nonce, order.deadline)


def _signed_by(permit: Permit, signature: bytes, owner: bytes) -> bool:
    try:
        return recover(permit.digest, signature) == owner
    except InputError:
        return False
