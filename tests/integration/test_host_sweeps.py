"""Leaves that were claimed to the payee's own address: claimable until a sweep moves them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chain.contracts.registry import Registry
from demo.waiting import TIMEOUT_S
from native_host.operations.holdings import GAS
from native_host.paths import Paths
from native_host.remote import network_files
from pywallet.crypto import address_of
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import Claim, sign
from pywallet.wallet.derivation import account_path, payee_path
from pywallet.worker_api import call, wallet
from tests.integration.host_process import HostProcess, host_process
from tests.integration.real_host import record_payee, renewed, settled
from tests.integration.server_world import TOKENS, World, make_world, private_key

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
NUMBER = 9
EXTRA = 5


@dataclass
class Fan:
    """A wallet, its host, and a receipt whose money lies at the payee."""

    world: World
    host: HostProcess
    receipt: dict[str, Any]
    home: Path

    @property
    def payee(self) -> str:
        """The payee: a one-time address without coin."""
        return str(self.receipt["payee"])

    @property
    def account(self) -> str:
        """The wallet's account."""
        return to_hex(wallet.keyring().account)

    async def summary(self) -> dict[str, Any]:
        """The result of ``summary``."""
        told: dict[str, Any] = await self.host.ask("summary", account=self.account, wallet=self.account)
        return told

    async def holdings(self, *payees: str) -> dict[str, Any]:
        """The result of ``holdings`` for these payees."""
        chain_id = self.world.deployment.chain_id
        told: dict[str, Any] = await self.host.ask(
            "holdings", chain_id=chain_id, account=self.account, payees=list(payees)
        )
        return told

    async def signed(self, found: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """The payee's signatures for all of its tokens."""
        (one,) = found["holdings"]
        where = {
            "chain_id": self.world.deployment.chain_id,
            "token": found["token"],
            "station": to_hex(self.world.station),
        }
        what = {
            "index": 0,
            "number": NUMBER,
            "payee": one["payee"],
            "amount_wei": one["amount_wei"],
            "nonce": one["nonce"],
        }
        return await call("sweep.sign", {**where, **what, "deadline": found["now_s"] + 600, **fields})

    async def send(self, data: str) -> str:
        """Send a call of the token by the account, as the extension does; its hash."""
        chain_id, token = self.world.deployment.chain_id, to_hex(self.world.deployment.token)
        cost = await self.host.ask("simulate", chain_id=chain_id, account=self.account, to=token, data=data)
        fields = {name: cost[name] for name in ("nonce", "gas", "tip_wei", "max_fee_wei")}
        made = await call("transaction.sign", {"index": 0, "chain_id": chain_id, "to": token, "data": data, **fields})
        await self.host.ask("send", chain_id=chain_id, raw=made["raw"])
        async with asyncio.timeout(TIMEOUT_S):
            while (told := await self.host.ask("transaction", chain_id=chain_id, transaction=made["transaction"]))[
                "state"
            ] != "confirmed":
                assert told["state"] in ("unknown", "pending")
        return str(made["transaction"])


@pytest.fixture
async def fan(tmp_path: Path) -> AsyncIterator[Fan]:
    """An epoch claimed to the payee's own address, and a further transfer to it."""
    (tmp_path / "server").mkdir()
    await wallet._unlock(WORDS)
    async with make_world(tmp_path / "server", real_time=True) as world, world.server(silence_s=0):
        registry = Registry(world.chain, world.deployment)
        await registry.add_server(world.platform_key, world.keys.address, world.url, world.keys.exchange_public)
        network_files.add(
            Paths(tmp_path / "home" / "data", tmp_path / "home" / "config"), tmp_path / "server" / "deployment.json"
        )
        song = await world.publish()
        async with host_process(tmp_path / "home") as host:
            yield Fan(world, host, await _earned(world, host, song, tmp_path / "home"), tmp_path / "home")
    wallet._open = None


async def _earned(world: World, host: HostProcess, song: Any, home: Path) -> dict[str, Any]:
    keys = wallet.keyring()
    await host.hello()
    await record_payee(host, world, to_hex(keys.account), to_hex(keys.payee(world.station, NUMBER)), NUMBER)
    await host.open(song.cose)
    now_s = await world.now_ms() // 1000
    session = world.session(from_hex(host.device, 20), now_s - now_s % 3_600, payee=keys.payee(world.station, NUMBER))
    await host.identify(session.to_json())
    await host.prepare(world.ticket(song, session, now_s).to_json())
    await host.invoke("play", 0, 0, 5)
    for step in range(1, 4):
        await world.travel(3)
        await renewed(host, step * 3_000, step)
    await host.invoke("stop", 9_000)
    await settled(host, home)
    statement, _ = await world.statement()
    await world.vouch(statement.spent, statement.epoch)
    receipt: dict[str, Any] = await host.event("receipt")
    await world.to_epoch(receipt["epoch"] + 1)
    assert world.closing is not None
    await world.closing.round()
    await world.travel(40)
    payee = from_hex(receipt["payee"], 20)
    claim = Claim(server=world.keys.address, epoch=receipt["epoch"], payee=payee, to=payee, tip=0)
    signed = sign(claim, world.deployment.domain, keys.private_key(payee_path(world.station, NUMBER))).to_json()
    await host.ask("claim", claims=[signed])
    await world.token.transfer(world.platform_key, payee, EXTRA)
    return receipt


async def test_tokens_at_a_payee_are_swept_by_the_account(fan: Fan) -> None:
    """Claimable at first; found by balance, permitted to the account, moved to the wei; then claimed once."""
    world, amount = fan.world, int(fan.receipt["amount_wei"])
    stranger, key = private_key("stranger"), wallet.keyring().private_key(account_path(0))
    await world.chain.send(world.platform_key, from_hex(fan.account, 20), b"", TOKENS)
    await world.chain.send(world.platform_key, address_of(stranger), b"", TOKENS)

    told = await fan.summary()
    (receipt,) = told["receipts"]
    assert (receipt["state"], receipt["at_payee"], receipt["transaction"]) == ("claimable", True, None)
    wanted = {"pending_wei": "0", "claimable_wei": "0", "claimed_wei": "0", "at_payee_wei": str(amount)}
    assert (told["totals"], told["balance_wei"]) == (wanted, "0")

    found = await fan.holdings("0x" + "99" * 20, fan.payee)
    holding = {"payee": fan.payee, "amount_wei": str(amount + EXTRA), "nonce": 0, "allowed_wei": "0"}
    assert (found["holdings"], int(found["coin_wei"])) == ([holding], TOKENS)
    made = await fan.signed(found)

    # What the person is shown is more than both transactions may take.
    where = {"chain_id": world.deployment.chain_id, "account": fan.account, "to": found["token"]}
    permit_gas = (await fan.host.ask("simulate", **where, data=made["permit"]))["gas"]

    # Whoever sees both calls can bring the permit to the token, and move nothing.
    await world.chain.send(stranger, world.deployment.token, from_hex(made["permit"]))
    with pytest.raises(GomaaError) as caught:
        await world.chain.send(stranger, world.deployment.token, from_hex(made["move"]))
    assert caught.value.code == "chain.reverted"
    again = await fan.holdings(fan.payee)
    assert again["holdings"] == [{**holding, "nonce": 1, "allowed_wei": str(amount + EXTRA)}]

    assert permit_gas + (await fan.host.ask("simulate", **where, data=made["move"]))["gas"] <= GAS

    before = await world.chain.request("eth_getBalance", fan.account, "latest")
    transaction = await fan.send(made["move"])
    paid = int(before, 16) - int(await world.chain.request("eth_getBalance", fan.account, "latest"), 16)
    assert 0 < paid <= int(found["each_wei"])
    after = await fan.summary()
    (receipt,) = after["receipts"]
    assert (receipt["state"], receipt["at_payee"], receipt["transaction"]) == ("claimed", False, transaction)
    assert (after["balance_wei"], after["totals"]["claimed_wei"]) == (str(amount + EXTRA), str(amount))
    assert (await fan.holdings(fan.payee))["holdings"] == []
    for data in (made["permit"], made["move"]):
        with pytest.raises(GomaaError) as caught:
            await world.chain.send(key, world.deployment.token, from_hex(data))
        assert caught.value.code == "chain.reverted"


async def test_tokens_at_a_payee_are_swept_by_the_relayer(fan: Fan) -> None:
    """Of the server that paid the payee; the amount arrives to the wei, once, without a fee for the account."""
    world, amount = fan.world, int(fan.receipt["amount_wei"])
    assert (await fan.summary())["receipts"][0]["state"] == "claimable"
    found = await fan.holdings(fan.payee)
    assert found["coin_wei"] == "0"
    relayer = await fan.host.ask("relayer", chain_id=world.deployment.chain_id, payee=fan.payee, amount_wei=str(amount))
    assert (relayer["server"], relayer["relayer"]) == (
        to_hex(world.keys.address),
        to_hex(address_of(world.keys.relayer)),
    )
    with pytest.raises(GomaaError) as caught:
        await fan.host.ask("relayer", chain_id=world.deployment.chain_id, payee="0x" + "99" * 20, amount_wei="1")
    assert caught.value.code == "claim.unknown"

    other = await fan.signed(found, relayer="0x" + "98" * 20, settlement=found["settlement"])
    made = await fan.signed(found, relayer=relayer["relayer"], settlement=found["settlement"])
    for wrong in (
        {"sweep": other["sweep"], "permit": other["permit"]},
        {"sweep": made["sweep"], "permit": other["permit"]},
    ):
        with pytest.raises(GomaaError) as caught:
            await fan.host.ask("sweep", server=relayer["server"], **wrong)
        assert caught.value.code == "claim.signature"
    assert (await fan.summary())["balance_wei"] == "0"

    done = await fan.host.ask("sweep", server=relayer["server"], sweep=made["sweep"], permit=made["permit"])

    assert (done["to"], done["amount_wei"]) == (fan.account, str(amount + EXTRA))
    after = await fan.summary()
    (receipt,) = after["receipts"]
    assert (after["balance_wei"], receipt["state"], receipt["transaction"]) == (
        str(amount + EXTRA),
        "claimed",
        done["transaction"],
    )
    with pytest.raises(GomaaError) as caught:
        await fan.host.ask("sweep", server=relayer["server"], sweep=made["sweep"], permit=made["permit"])
    assert caught.value.code == "claim.done"
    assert await world.chain.request("eth_getBalance", fan.account, "latest") == "0x0"
