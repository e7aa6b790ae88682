"""A watcher of public data.

Lies that a receipt turns into the loss of the bond, and lies that it can only report.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit.watch import Watcher, WatchEvent
from chain.anvil import Anvil
from chain.client import Chain
from chain.contracts.settlement import Entry
from chain.deploy import deploy
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from pywallet.protocol import Voucher, compact, sign
from pywallet.settlement import EpochData, gross
from tests.integration.test_audit_watch import FAN, SCHEDULE, Stage
from tests.unit.audit.audit_book import with_leaves


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    """A deployed chain with the server bonded."""
    with Anvil() as anvil:
        deployment = await deploy(anvil.rpc, anvil.keys[0], SCHEDULE, bps=500)
        async with Chain.connect(anvil.rpc) as chain:
            made = Stage(chain, deployment, tmp_path, anvil.keys[0])
            await made.prepare()
            yield made


def watcher(scene: Stage, said: list[WatchEvent]) -> Watcher:
    """A watcher of every epoch, with the receipts of the scene."""
    (scene.folder / "receipts").mkdir(exist_ok=True)
    places = (str(scene.folder / "data"),)
    return Watcher(
        scene.chain, scene.deployment, [scene.folder / "receipts"], places, scene.watcher, 2, said.append, public=True
    )


async def posted(scene: Stage, lie: str) -> tuple[int, EpochData]:
    """Post an epoch with one lie in its leaves, and pass its grace time."""
    epoch = await scene.epoch()
    honest = scene.honest(epoch)
    owner = address_of(scene.owner)
    rows = {
        "missing": [(owner, 1000, 1000)],
        "moved": [(owner, 1000, 700)],
        "double": [(owner, 700, 700), (FAN, 150, 0), (FAN, 150, 0)],
        "sum": [(owner, 800, 800), (FAN, 300, 0)],
    }[lie]
    made = with_leaves(honest, sorted(rows))
    await scene.post(made)
    await scene.travel(SCHEDULE.ends(epoch) + SCHEDULE.grace)
    return epoch, made


@pytest.mark.parametrize(
    ("lie", "reason", "kinds"),
    [
        ("missing", "low", {"leaf.owner", "leaf.rewards"}),
        # An owner may be a listener's payee: that its reward was one is evident from the receipt alone.
        ("moved", "low", set()),
        ("double", "low", {"leaf.order"}),
        ("sum", "root", {"leaf.owner", "leaf.total", "data.header"}),
    ],
)
async def test_a_lie_in_the_leaves_costs_the_bond(scene: Stage, lie: str, reason: str, kinds: set[str]) -> None:
    """A missing leaf, one leaf in two halves, a sum above the debits.

    Reported by its kind, challenged by the receipt, slashed, refunded.
    """
    said: list[WatchEvent] = []
    watching = watcher(scene, said)
    scene.receipt(await scene.epoch())
    epoch, _ = await posted(scene, lie)
    await watching.round()
    assert [(did.epoch, did.reason) for did in said if did.what == "challenge"] == [(epoch, reason)]
    assert {did.reason.split()[0] for did in said if did.what == "lie"} == kinds
    found = await scene.settlement.open_challenge(address_of(scene.server), epoch, FAN, 300)
    assert found is not None
    await scene.travel(found.deadline + 1)
    await watching.round()
    assert [did.what for did in said if did.what in ("slash", "refund")] == ["slash", "refund"]
    assert (await scene.settlement.server_state(address_of(scene.server))).bond == 0
    assert (await scene.settlement.account(address_of(scene.server), address_of(scene.station)))[0] == 0


async def test_a_lie_without_a_receipt_is_reported_once(scene: Stage) -> None:
    """Counters under another root than the posted one.

    No receipt contradicts them, so they are reported, and the bond stays.
    """
    said: list[WatchEvent] = []
    watching = watcher(scene, said)
    epoch = await scene.epoch()
    data = scene.honest(epoch)
    lying = replace(data, contents=(replace(data.contents[0], plays=2),))
    await scene.post(lying)
    await watching.round()
    await watching.round()
    assert [(did.what, did.epoch, did.reason) for did in said] == [("lie", epoch, "counts.root")]
    assert (await scene.settlement.server_state(address_of(scene.server))).bond == 10 * scene.deployment.stake


async def test_honest_data_cause_no_report(scene: Stage) -> None:
    """A watcher of everything reports nothing."""
    said: list[WatchEvent] = []
    await scene.post(scene.honest(await scene.epoch()))
    await watcher(scene, said).round()
    assert said == []


async def test_a_debit_above_the_voucher_reverts(scene: Stage) -> None:
    """The chain itself refuses it: there is nothing to watch, and the escrow is unchanged."""
    epoch = await scene.epoch()
    server, station = address_of(scene.server), address_of(scene.station)
    cap = gross(1000, 500) - 1
    voucher = sign(Voucher(server, station, cap, epoch), scene.deployment.domain, scene.station)
    before = await scene.settlement.account(server, station)
    await scene.travel(SCHEDULE.ends(epoch))
    data = scene.honest(epoch)
    entries = [Entry(station, 1000, cap, epoch, *compact(voucher.signature))]
    with pytest.raises(GomaaError) as refused:
        await scene.settlement.post(scene.server, epoch, data.root, data.counts_root, data.hash, entries)
    assert refused.value.detail["reason"] == "settlement: voucher cap exceeded"
    assert await scene.settlement.account(server, station) == before
