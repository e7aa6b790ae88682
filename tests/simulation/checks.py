"""Invariants of a simulation, looked at once all is quiet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit.run import Result
from audit.run import audit as audit_chain
from chain.settlement import ClaimItem
from pywallet.errors import GomaaError
from pywallet.hexes import from_hex, to_hex
from pywallet.messages import Claim, compact, sign
from pywallet.platform import address_of
from pywallet.settlement import Header, verify_leaf
from tests.simulation.fans import private_key

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass
class Broken:
    """Invariants that do not hold, each in words."""

    lines: list[str] = field(default_factory=list)

    def unless(self, holds: bool, text: str) -> None:
        """Note a violation."""
        if not holds:
            self.lines.append(text)


async def check(world: World) -> Broken:
    """Every invariant, once all is quiet."""
    broken = Broken()
    await _receipts(world, broken)
    await _rewards(world, broken)
    await _books(world, broken)
    await _money(world, broken)
    result = await _audit(world)
    for fault in result.faults:
        broken.lines.append(f"audit: {fault}")
    for did in world.watch.did:
        # Data of a server that was down when the watcher looked are missing, and are there later: the audit asks again.
        told = did.what == "slash" or (did.what == "lie" and did.reason != "data.missing")
        broken.unless(not told, f"the watcher says {did.to_json()}")
    for fan in world.fans:
        broken.unless(not fan.books.codes["internal"], f"{fan.name} was answered internal")
    return broken


async def _audit(world: World) -> Result:
    promised: dict[tuple[bytes, int], dict[bytes, int]] = {}
    for fan in world.fans:
        for (epoch, payee), receipt in fan.books.receipts.items():
            promised.setdefault((world.keys.address, epoch), {})[payee] = receipt.message.amount
    return await audit_chain(world.chain, world.deployment, promised=promised)


async def _receipts(world: World, broken: Broken) -> None:
    """Every receipt has a leaf under the chain's commitment, and the leaf is paid."""
    for fan in world.fans:
        for (epoch, payee), receipt in sorted(fan.books.receipts.items(), key=lambda item: item[0]):
            place = f"{fan.name}, epoch {epoch}, {receipt.message.amount} wei"
            try:
                leaf = await fan.ask("leaf", epoch=epoch, payee=to_hex(payee))
            except GomaaError as error:
                broken.lines.append(f"no leaf for {place}: {error.code}")
                continue
            header = Header(from_hex(leaf["header"]["root"], 32), int(leaf["header"]["total"]), from_hex(leaf["header"]["rest"], 32))
            proof = [(from_hex(node, 32), int(total)) for node, total in leaf["proof"]]
            amount = int(leaf["amount"])
            broken.unless(amount >= receipt.message.amount, f"leaf of {amount} wei for {place}")
            broken.unless(verify_leaf(header, payee, amount, leaf["index"], proof), f"a proof that leads nowhere for {place}")
            key = next(private_key("payee", fan.name, hour) for hour in range(*_hours(world)) if _belongs(fan.name, hour, payee))
            to = address_of(private_key("purse", fan.name))
            claim = sign(Claim(server=world.keys.address, epoch=epoch, payee=payee, to=to, tip=0), world.deployment.domain, key)
            r, vs = compact(claim.signature)
            item = ClaimItem(world.keys.address, epoch, header, payee, amount, leaf["index"], len(proof), r, vs)
            try:
                await world.settlement.claim(world.platform, [item], proof, to, 0)
            except GomaaError as error:
                broken.lines.append(f"claim refused for {place}: {error.detail.get('reason', error.code)}")


async def _rewards(world: World, broken: Broken) -> None:
    """Nobody is promised more than one honest listener of the same time."""
    for fan in world.fans:
        if fan.books.first_s is None:
            continue
        promised = sum(receipt.message.amount for receipt in fan.books.receipts.values())
        elapsed_s = fan.books.last_s - fan.books.first_s + 5
        most = (int(elapsed_s) // world.interval_s + 1) * 10**15
        broken.unless(promised <= most, f"{fan.name} is promised {promised} wei, an honest listener {most} at most")


async def _books(world: World, broken: Broken) -> None:
    """Station and server agree: nothing is left to sign for, and nothing is refused."""
    assert world.station.station is not None
    outcome = None
    try:
        for _ in range(4):
            outcome = await world.station.ask(lambda station: station.bookkeeper.round(world.keys.address, world.url))
    except GomaaError as error:
        broken.lines.append(f"station and server disagree: {error.code} {error.detail}")
    if outcome is not None:
        broken.unless(outcome.new == 0, f"{outcome.new} lines stay unsigned")


async def _money(world: World, broken: Broken) -> None:
    lane = await world.settlement.lane(world.keys.address)
    broken.unless(lane.bond >= world.bond, f"the honest server's bond is {lane.bond}")
    gain = await world.thief.gain()
    broken.unless(gain <= 0, f"the thief gained {gain} wei")
    broken.unless(not await world.settlement.history("Slashed", world.keys.address), "the honest server was slashed")


def _hours(world: World) -> tuple[int, int]:
    now = int(world.now_s()) // 60
    return now - 120, now + 1


def _belongs(name: str, hour: int, payee: bytes) -> bool:
    return address_of(private_key("payee", name, hour)) == payee
