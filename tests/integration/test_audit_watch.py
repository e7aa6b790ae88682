"""A lying server loses its bond to a process that has the chain, the published data and receipts.

An honest server never does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from audit.run import audit
from chain.anvil import Anvil
from chain.client import Chain
from chain.contracts.registry import Registry
from chain.contracts.settlement import Entry, Settlement
from chain.contracts.token import Token
from chain.deploy import deploy
from chain.deployment import Deployment
from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Receipt,
    Signed,
    Voucher,
    compact,
    sign,
)
from pywallet.settlement import ContentRow, DebitRow, EpochData, PlayRow, Schedule, StationRow, TermsRow, gross
from tests.integration.server_world import make_world
from tests.integration.test_audit_server import pay, play
from tests.unit.audit.audit_book import leaves_of, with_leaves

SCHEDULE = Schedule(1200, 100, 300, 300, 7_200, 1_500)
"""Long windows: the watcher's process takes its time to start, and the chain's clock runs meanwhile."""

COIN = 10**18
FAN = address_of(keccak256(b"fan's payee"))


@dataclass
class Stage:
    """A server that answers no challenge, its station, its artist, and its posts."""

    chain: Chain
    deployment: Deployment
    folder: Path
    platform: bytes
    server: bytes = keccak256(b"server")
    station: bytes = keccak256(b"station")
    owner: bytes = keccak256(b"owner")
    watcher: bytes = keccak256(b"watcher")
    content: bytes = bytes(20)

    @property
    def settlement(self) -> Settlement:
        """The client of the settlement contract."""
        return Settlement(self.chain, self.deployment)

    async def prepare(self) -> None:
        """Tokens for all accounts, a bond, an escrow, one recording."""
        token, registry = Token(self.chain, self.deployment), Registry(self.chain, self.deployment)
        for key in (self.server, self.station, self.owner, self.watcher):
            await self.chain.send(self.platform, address_of(key), b"", COIN)
        await registry.add_server(self.platform, address_of(self.server), "http://127.0.0.1:9", bytes([9]) * 32)
        await registry.add_station(self.platform, address_of(self.station), "radio.example", "Radio")
        salt = keccak256(b"song")
        self.content = registry.predict(address_of(self.owner), salt)
        await registry.create_content(self.owner, bytes(32), 70, 5, address_of(self.server), True, salt)
        for key in (self.station, self.watcher):
            await token.transfer(self.platform, address_of(key), 1000 * COIN)
        for key in (self.platform, self.station):
            await token.approve(key, self.deployment.settlement, 2**256 - 1)
        await self.settlement.bond(self.platform, address_of(self.server), 10 * self.deployment.stake)
        await self.settlement.deposit(self.station, address_of(self.server), address_of(self.station), 100 * COIN)
        await self.travel(self.deployment.schedule.ends(await self.epoch()))

    async def epoch(self) -> int:
        """The running epoch."""
        return self.deployment.schedule.epoch_of((await self.chain.block()).timestamp)

    async def travel(self, time_s: int) -> None:
        """Advance the chain's clock to a time."""
        await self.chain.request("evm_setNextBlockTimestamp", max(time_s, (await self.chain.block()).timestamp + 1))
        await self.chain.request("evm_mine")

    def honest(self, epoch: int) -> EpochData:
        """Leaves of ten intervals of one play."""
        leaves = sorted([(address_of(self.owner), 700, 700), (FAN, 300, 0)])
        server, station = address_of(self.server), address_of(self.station)
        return with_leaves(
            EpochData(
                *(server, epoch, bytes(32), 0, bytes(32), 500),
                stations=(StationRow(station),),
                contents=(ContentRow(self.content, address_of(self.owner), server, 1, 0, 0, 50),),
                terms=(TermsRow(70, 30, 5),),
                debits=(DebitRow(station, 1000),),
                plays=(PlayRow(0, 0, 0, 7, 50, 0, 0, epoch % 1000, b"\1" * 7),),
            ),
            leaves,
        )

    async def post(self, data: EpochData, /, **lies: bytes) -> None:
        """Post the leaves, with the root or hash that ``lies`` replaces; publish them as a file."""
        spent, _ = await self.settlement.account(address_of(self.server), address_of(self.station))
        cap = spent + gross(1000, 500)
        voucher = sign(
            Voucher(address_of(self.server), address_of(self.station), cap, data.epoch),
            self.deployment.domain,
            self.station,
        )
        await self.travel(self.deployment.schedule.ends(data.epoch))
        words = {"root": data.root, "counts": data.counts_root, "data": data.hash, **lies}
        entries = [Entry(address_of(self.station), 1000, cap, data.epoch, *compact(voucher.signature))]
        await self.settlement.post(self.server, data.epoch, words["root"], words["counts"], words["data"], entries)
        self.publish(data)

    def publish(self, data: EpochData) -> None:
        """Publish one file."""
        (self.folder / "data").mkdir(exist_ok=True)
        (self.folder / "data" / f"{data.hash.hex()}.gmed").write_bytes(data.encode())

    def receipt(self, epoch: int, amount: int = 300) -> Signed[Receipt]:
        """Sign the fan's receipt and give it to the watcher."""
        signed = sign(
            Receipt(address_of(self.server), epoch, FAN, amount, bytes([6]) * 32), self.deployment.domain, self.server
        )
        (self.folder / "receipts").mkdir(exist_ok=True)
        (self.folder / "receipts" / f"{epoch}.json").write_text(json.dumps(signed.to_json()))
        return signed

    async def kinds(self) -> set[str]:
        """Kinds of faults that an audit of everything finds."""
        return {fault.kind for fault in (await audit(self.chain, self.deployment, (str(self.folder / "data"),))).faults}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A deployed chain with the server bonded."""
    with Anvil() as anvil:
        deployment = await deploy(anvil.rpc, anvil.keys[0], SCHEDULE, bps=500)
        deployment.save(tmp_path / "deployment.json")
        async with Chain.connect(anvil.rpc) as chain:
            made = Stage(chain, deployment, tmp_path, anvil.keys[0])
            await made.prepare()
            yield made


class Process:
    """``gomaa watch`` in a process of its own."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        (stage.folder / "watcher.key").write_text(to_hex(stage.watcher))
        self.did: list[dict[str, Any]] = []

    async def __aenter__(self) -> Process:
        folder = self.stage.folder
        places = [
            "--deployment",
            folder / "deployment.json",
            "--data",
            folder / "data",
            "--receipts",
            folder / "receipts",
        ]
        arguments = [*map(str, places), "--key", str(folder / "watcher.key"), "--patience", "2"]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gomaa", "watch", *arguments, stdout=asyncio.subprocess.PIPE
        )
        return self

    async def until(self, what: str) -> dict[str, Any]:
        """Return the next line with this text; meanwhile blocks are mined, one second of chain time each."""
        assert self._process.stdout is not None
        end = asyncio.get_running_loop().time() + TIMEOUT_S
        while True:
            try:
                line = await asyncio.wait_for(asyncio.shield(self._line()), 0.5)
            except TimeoutError:
                assert asyncio.get_running_loop().time() < end, (what, self.did)
                await self.stage.travel(0)
                continue
            self._reading = None
            self.did.append(json.loads(line))
            if self.did[-1]["did"] == what:
                return self.did[-1]

    def _line(self) -> asyncio.Task[bytes]:
        assert self._process.stdout is not None
        if getattr(self, "_reading", None) is None:
            self._reading: asyncio.Task[bytes] | None = asyncio.create_task(self._process.stdout.readline())
        assert self._reading is not None
        return self._reading

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._process.terminate()
        await self._process.wait()


async def lost(stage: Stage, epoch: int, reason: str) -> None:
    """Assert that the watcher process challenges, slashes and refunds.

    It has the stake back and half of the bond, the station its escrow.
    """
    token = Token(stage.chain, stage.deployment)
    before = await token.balance_of(address_of(stage.watcher))
    async with Process(stage) as process:
        asked = await process.until("challenge")
        assert (asked["epoch"], asked["reason"], from_hex(asked["payee"])) == (epoch, reason, FAN)
        found = await stage.settlement.open_challenge(address_of(stage.server), epoch, FAN, 300)
        assert found is not None
        await stage.travel(found.deadline + 1)
        await process.until("refund" if reason != "unposted" else "slash")
    assert (await stage.settlement.server_state(address_of(stage.server))).bond == 0
    assert await token.balance_of(address_of(stage.watcher)) - before == 10 * stage.deployment.stake // 2
    assert (await stage.settlement.account(address_of(stage.server), address_of(stage.station))) == (0, 100 * COIN)


async def test_a_lowered_leaf_costs_the_bond(stage: Stage) -> None:
    """The fan's leaf is lowered for a friend: sums agree, the receipt does not."""
    epoch = await stage.epoch()
    stage.receipt(epoch)
    honest = stage.honest(epoch)
    friend = [(b"\xfe" * 20 if payee == FAN else payee, amount, owned) for payee, amount, owned in leaves_of(honest)]
    await stage.post(with_leaves(honest, sorted(friend)))
    assert await stage.kinds() == set()
    await stage.travel(SCHEDULE.ends(epoch) + SCHEDULE.grace)
    await lost(stage, epoch, "low")
    assert await stage.kinds() == set()


async def test_a_root_of_other_leaves_costs_the_bond(stage: Stage) -> None:
    """The root is of other leaves than the published ones: the auditor reports it, the watcher slashes."""
    epoch = await stage.epoch()
    stage.receipt(epoch)
    data = stage.honest(epoch)
    await stage.post(replace(data, root=b"\x13" * 32), root=b"\x13" * 32)
    assert await stage.kinds() == {"leaf.root"}
    await stage.travel(SCHEDULE.ends(epoch) + SCHEDULE.grace)
    await lost(stage, epoch, "root")


async def test_unavailable_data_cost_the_bond(stage: Stage) -> None:
    """Published bytes that are not the posted ones count as missing."""
    epoch = await stage.epoch()
    stage.receipt(epoch)
    data = stage.honest(epoch)
    await stage.post(data, data=b"\x13" * 32)
    assert await stage.kinds() == {"data.hash"}
    await stage.travel(SCHEDULE.ends(epoch) + SCHEDULE.grace)
    await lost(stage, epoch, "withheld")


async def test_a_missing_post_costs_the_bond(stage: Stage) -> None:
    """A server that signed a receipt and never posts loses its bond; the payers keep their escrow."""
    epoch = await stage.epoch()
    stage.receipt(epoch)
    (stage.folder / "data").mkdir()
    await stage.travel(SCHEDULE.ends(epoch) + SCHEDULE.grace + 2)
    await lost(stage, epoch, "unposted")


async def test_an_honest_post_is_not_challenged(stage: Stage) -> None:
    """It is checked and not challenged; an audit of the same chain agrees."""
    epoch = await stage.epoch()
    stage.receipt(epoch)
    await stage.post(stage.honest(epoch))
    await stage.travel(SCHEDULE.ends(epoch) + SCHEDULE.grace)
    async with Process(stage) as process:
        assert (await process.until("checked"))["reason"] == "kept"
    assert [did["did"] for did in process.did] == ["checked"]
    assert await stage.kinds() == set()


async def test_an_honest_server_answers_challenges(tmp_path: Path) -> None:
    """A challenger of an honest server, before its post or after, loses the stake to it."""
    async with make_world(tmp_path) as world, world.server(auto_close=True, close_every_s=0.05), world.host() as host:
        song = await world.publish()
        await world.to_epoch(await world.now_ms() // 60_000 + 1)
        epoch = await world.now_ms() // 60_000
        await host.hello(await world.now_ms())
        await play(world, host, song, "one", 10)
        await pay(world)
        receipt = Signed.from_json(Receipt, (await host.event("receipt"))["receipt"])
        bond = (await world.settlement.server_state(world.keys.address)).bond
        griefer = world.anvil.keys[5]
        await world.token.transfer(world.platform_key, address_of(griefer), 10 * world.deployment.stake)
        await world.token.approve(griefer, world.deployment.settlement, 10**30)
        await world.travel((epoch + 1) * 60 + 6 - await world.now_ms() // 1000)
        await world.settlement.challenge(griefer, receipt)

        async def answered() -> bool:
            await world.travel(1)
            return (await world.settlement.server_state(world.keys.address)).bond == bond + world.deployment.stake

        async with asyncio.timeout(TIMEOUT_S):
            while not await answered():
                pass
        assert (await world.settlement.epoch(world.keys.address, epoch)).open == 0
        # The amount is shown: neither this receipt nor a smaller one of its payee blocks the epoch again.
        with pytest.raises(GomaaError) as caught:
            await world.settlement.challenge(griefer, receipt)
        assert caught.value.detail["reason"] == "settlement: already answered"
        assert (await audit(world.chain, world.deployment, (world.url,))).faults == []
