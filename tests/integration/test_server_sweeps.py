"""Tokens at a payee, sent on by the relayer under the payee's permit.

For whom the payee says, and within the budget of claims.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from pywallet.crypto import address_of
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import Signed, Sweep, sign
from pywallet.wallet.permit import Permit
from security_server.billing.claim_relay import HOUR_MS
from security_server.billing.payee_sweeps import SWEEP_S, PayeeSweeps
from security_server.db.tables import receipts, relay_costs
from security_server.parts import ServerParts
from tests.integration.server_world import World, make_world, private_key
from tests.unit.security_server import services

KEY = private_key("listener payee")
PAYEE, FAN, STRANGER = address_of(KEY), address_of(private_key("fan")), address_of(private_key("stranger"))
LIES = 10**15 + 7


class Scene:
    """A server that once gave the payee a receipt, and tokens that lie at the payee."""

    def __init__(self, world: World, core: ServerParts) -> None:
        self.world, self.core = world, core
        self.relay, self.address = self.strict(), address_of(core.keys.relayer)

    def strict(self, **limits: int) -> PayeeSweeps:
        """The sweeps of a relay with other limits."""
        core = replace(self.core, config=replace(self.core.config, **limits))
        return services.sweeps(core, services.relay(core))

    async def order(self, **changes: Any) -> Sweep:
        """All that lies there, for the fan."""
        deadline = await self.core.chain.now_ms() // 1000 + 600
        return replace(Sweep(self.address, PAYEE, FAN, LIES, deadline), **changes)

    async def permit(self, order: Sweep, key: bytes = KEY, **changes: Any) -> bytes:
        """The payee's, for what the order says."""
        deployment = self.world.deployment
        nonce = await self.world.token.nonce(order.payee)
        made = Permit(
            deployment.chain_id, deployment.token, order.payee, order.relayer, order.amount, nonce, order.deadline
        )
        return replace(made, **changes).sign(key)

    def signed(self, order: Sweep, key: bytes = KEY) -> dict[str, Any]:
        """The order as it is sent."""
        return sign(order, self.core.domain, key).to_json()

    async def refused(self, order: dict[str, Any], permit: bytes, relay: PayeeSweeps | None = None) -> str:
        """The code of a refusal, which moves nothing."""
        with pytest.raises(GomaaError) as caught:
            await (relay or self.relay).sweep(order, permit)
        return caught.value.code

    async def spent(self) -> list[int]:
        """Wei of gas of each transaction that the server's budget counts."""
        query = select(relay_costs.c.gas_wei).order_by(relay_costs.c.id)
        return [row.gas_wei for row in await self.core.store.run(lambda connection: connection.execute(query).all())]

    async def balances(self) -> tuple[int, int]:
        """The payee's tokens and the fan's."""
        return await self.world.token.balance_of(PAYEE), await self.world.token.balance_of(FAN)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A real chain and server."""
    async with make_world(tmp_path) as world, world.server() as core:
        await world.token.transfer(world.platform_key, PAYEE, LIES)
        zeros = {
            name: bytes(size)
            for name, size in (
                ("source", 32),
                ("session", 32),
                ("invocation", 32),
                ("detail_hash", 32),
                ("signature", 65),
            )
        }
        counts = dict.fromkeys(("plays", "seeks", "seconds", "sequence"), 0)
        row = {"epoch": 1, "payee": PAYEE, "amount": LIES, "content": bytes(20), **zeros, **counts}
        await core.store.run(lambda connection: connection.execute(insert(receipts).values(**row)) and None)
        yield Scene(world, core)


async def test_what_lies_at_a_payee_reaches_the_fan_to_the_wei_and_once(scene: Scene) -> None:
    """Two transactions of the relayer, whose gas is in its budget as it was; again there is nothing to send."""
    order = await scene.order()
    message, permit = scene.signed(order), await scene.permit(order)
    before = await scene.core.chain.balance(scene.address)

    done = await scene.relay.sweep(message, permit)

    assert await scene.balances() == (0, LIES)
    (moved,) = await scene.world.token.moved(bytes.fromhex(done.transaction[2:])) or []
    assert moved.fields == {"sender": PAYEE, "receiver": FAN, "value": LIES}
    (spent,) = await scene.spent()
    assert 0 < before - await scene.core.chain.balance(scene.address) <= spent
    assert await scene.refused(message, permit) == "claim.done"
    assert len(await scene.spent()) == 1


async def test_a_permit_for_another_spender_is_refused_before_anything_is_sent(scene: Scene) -> None:
    """Another spender, amount, deadline, number or signer is not this relayer's permit."""
    order = await scene.order()
    message = scene.signed(order)
    wrong: list[dict[str, Any]] = [
        {"spender": FAN},
        {"amount": LIES - 1},
        {"deadline": order.deadline + 1},
        {"nonce": 1},
        {"token": STRANGER},
    ]
    for changes in wrong:
        assert await scene.refused(message, await scene.permit(order, **changes)) == "claim.signature", changes
    assert await scene.refused(message, await scene.permit(order, private_key("stranger"))) == "claim.signature"
    assert await scene.refused(message, bytes(65)) == "claim.signature"
    assert (await scene.balances(), await scene.spent()) == ((LIES, 0), [])


async def test_nobody_but_the_payee_says_where_it_goes(scene: Scene) -> None:
    """A permit that somebody saw is of no use.

    The order is signed, too, for this relayer and a time that has not passed.
    """
    order = await scene.order()
    permit = await scene.permit(order)
    theirs = replace(order, to=STRANGER)
    stolen = Signed(theirs, sign(order, scene.core.domain, KEY).signature).to_json()
    assert await scene.refused(stolen, permit) == "claim.signature"
    assert await scene.refused(scene.signed(theirs, private_key("stranger")), permit) == "claim.signature"
    now_s = await scene.core.chain.now_ms() // 1000
    for changes in ({"relayer": STRANGER}, {"deadline": now_s - 1}, {"deadline": now_s + SWEEP_S + 60}):
        other = await scene.order(**changes)
        assert await scene.refused(scene.signed(other), await scene.permit(other)) == "claim.signature", changes
    for nowhere in (ZERO_ADDRESS, PAYEE, scene.world.deployment.token, scene.world.deployment.settlement):
        other = await scene.order(to=nowhere)
        assert await scene.refused(scene.signed(other), permit) == "message.schema"
    assert (await scene.balances(), await scene.spent()) == ((LIES, 0), [])


async def test_a_sweep_keeps_to_the_limits_of_claims(scene: Scene) -> None:
    """Number of an hour, gas of an hour, least amount; and no address that this server has never paid."""
    order = await scene.order()
    message, permit = scene.signed(order), await scene.permit(order)
    limits = (
        ({"relay_per_hour": 0}, "claim.busy"),
        ({"relay_hour_wei": 1}, "claim.busy"),
        ({"relay_least_wei": LIES + 1}, "claim.small"),
    )
    for changes, code in limits:
        assert await scene.refused(message, permit, scene.strict(**changes)) == code, changes
    # The same is refused before a permit is signed.
    for relay, payee, amount, code in (
        (scene.strict(relay_per_hour=0), PAYEE, LIES, "claim.busy"),
        (scene.strict(relay_day_wei=1), PAYEE, LIES, "claim.busy"),
        (scene.strict(relay_least_wei=LIES + 1), PAYEE, LIES, "claim.small"),
        (scene.relay, STRANGER, LIES, "claim.unknown"),
    ):
        with pytest.raises(GomaaError) as caught:
            await relay.offer(payee, amount)
        assert caught.value.code == code
    assert (await scene.relay.offer(PAYEE, LIES)).relayer == to_hex(scene.address)
    nothing = await scene.order(amount=0)
    assert await scene.refused(scene.signed(nothing), permit) == "claim.small"
    other = await scene.order(payee=STRANGER)
    foreign = await scene.permit(other, private_key("stranger"))
    assert await scene.refused(scene.signed(other, private_key("stranger")), foreign) == "claim.unknown"
    assert (await scene.balances(), await scene.spent()) == ((LIES, 0), [])


async def test_sweeps_count_with_the_claims_of_an_hour(scene: Scene) -> None:
    """The second one of an hour that has room for one waits until the hour has passed."""
    relay = scene.strict(relay_per_hour=1)
    order = await scene.order(amount=LIES - 2)
    await relay.sweep(scene.signed(order), await scene.permit(order))
    order = await scene.order(amount=2)
    assert await scene.refused(scene.signed(order), await scene.permit(order), relay) == "claim.busy"
    await scene.world.travel(HOUR_MS // 1000 + 1)
    order = await scene.order(amount=2)
    await relay.sweep(scene.signed(order), await scene.permit(order))
    assert await scene.balances() == (0, LIES)


async def test_an_interruption_between_permit_and_transfer_strands_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token has the permit already, brought by the relayer or by somebody who saw it.

    The transfer alone is sent.
    """
    order = await scene.order()
    message, permit = scene.signed(order), await scene.permit(order)

    async def lost(*_: object) -> Any:
        raise GomaaError("chain.unreachable")

    with monkeypatch.context() as patch:
        patch.setattr(scene.core.chain, "transfer_from", lost)
        assert await scene.refused(message, permit) == "chain.unreachable"
    (first,) = await scene.spent()
    assert first > 0

    await scene.relay.sweep(message, permit)

    assert await scene.balances() == (0, LIES)
    assert len(await scene.spent()) == 2
