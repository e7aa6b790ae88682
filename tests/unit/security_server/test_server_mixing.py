"""The queue of claims that are paid in private.

Held, mixed with others, kept over a crash, asked for again without harm.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert, select

from chain.contracts.reverts import LEAF_CLAIMED
from chain.contracts.settlement import ClaimItem
from messages.settlement import ClaimResult
from pywallet.crypto import address_of, keccak256
from pywallet.errors import Refusal
from pywallet.protocol import (
    Claim,
    Domain,
    Signed,
    sign,
)
from security_server.billing.claim_mixing import MOST_TRIES, ClaimMixer
from security_server.db.tables import queued_claims, receipts
from security_server.db.writer import Store
from tests.unit.security_server import services
from tests.unit.security_server.test_server_relay import CONFIG, HERE, KEYS, Leaves, Network, View, refused

DOMAIN = Domain(HERE.chain_id, HERE.settlement)
START_MS = 1_800_000_000_000
WAIT_S = 600.0


class Early(Leaves):
    """Every payee has a leaf, but for epochs that are answered with a code."""

    def __init__(self, codes: dict[int, str]) -> None:
        self._codes = codes

    async def claim_item(self, one: Signed[Claim], *, signed: bool = True) -> tuple[ClaimItem, Sequence[Any]]:
        """See EpochPublisher."""
        if one.message.epoch in self._codes:
            raise Refusal(self._codes[one.message.epoch])
        return await super().claim_item(one, signed=signed)


class Scene:
    """A database, a chain that counts, and a clock; ``start`` is a start of the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network = Network()
        self.now_ms = START_MS
        self.early: dict[int, str] = {}
        self.store: Store | None = None

    def start(self, **limits: Any) -> ClaimMixer:
        """A new process over the same files."""
        if self.store is not None:
            self.store.close()
        self.store = Store(f"sqlite:///{self.folder}/server.sqlite3")

        async def now_ms() -> int:
            return self.now_ms

        config = replace(CONFIG, relay_mix_s=WAIT_S, **limits)
        view: Any = View(self.network)
        view.now_ms = now_ms
        core: Any = SimpleNamespace(
            schedule=HERE.schedule,
            address=KEYS.address,
            keys=KEYS,
            config=config,
            domain=DOMAIN,
            chain=view,
            store=self.store,
        )
        leaves: Any = Early(self.early)
        self.core = core
        return services.mixer(core, services.relay(core, leaves))

    async def owe(self, number: int, epoch: int) -> None:
        """Sign a receipt for a payee."""
        assert self.store is not None
        ids = {
            "content": bytes(20),
            "session": bytes(32),
            "invocation": bytes(32),
            "detail_hash": bytes(32),
            "signature": bytes(65),
        }
        counts = dict.fromkeys(("plays", "seeks", "seconds", "sequence"), 0)
        row = {"epoch": epoch, "payee": address_of(key(number)), "source": bytes(32), "amount": 7, **ids, **counts}
        await self.store.run(lambda connection: connection.execute(insert(receipts).values(row)) and None)

    async def waiting(self) -> int:
        """Claims in the queue."""
        assert self.store is not None
        return len(await self.store.run(lambda connection: connection.execute(select(queued_claims)).all()))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """An empty one."""
    made = Scene(tmp_path)
    yield made
    if made.store is not None:
        made.store.close()


def key(number: int) -> bytes:
    """A payee's."""
    return keccak256(b"payee %d" % number)


def claim(number: int, to: bytes | None = None, epoch: int = 1) -> list[Any]:
    """A payee's claim, by default to itself."""
    payee = address_of(key(number))
    return [
        sign(Claim(server=KEYS.address, epoch=epoch, payee=payee, to=to or payee, tip=0), DOMAIN, key(number)).to_json()
    ]


async def test_nothing_is_sent_before_the_wait_is_over_and_then_all_of_it_alone_or_not(scene: Scene) -> None:
    mixer = scene.start()
    assert await mixer.take(claim(1)) == ClaimResult(None, due_s=START_MS // 1000 + 600)
    assert (await mixer.round(), scene.network.sent) == (0, 0)
    scene.now_ms += 300_000
    await mixer.take(claim(2))
    scene.now_ms += 300_000
    # The second has waited half of the time: it goes with the first.
    assert (await mixer.round(), await scene.waiting(), scene.network.sent) == (2, 0, 2)
    await mixer.take(claim(3))
    scene.now_ms += 600_000
    assert await mixer.round() == 1


async def test_claims_of_several_recipients_go_in_random_order_as_soon_as_a_round_is_full(scene: Scene) -> None:
    mixer = scene.start(relay_mix_most=8)
    orders = set[tuple[bytes, ...]]()
    for epoch in range(1, 5):
        for number in range(8):
            assert await mixer.round() == 0
            await mixer.take(claim(number, epoch=epoch))
        assert await mixer.round() == 8
        orders.add(tuple(scene.network.order[-8:]))
    assert len(orders) > 1
    assert all(set(order) == {address_of(key(number)) for number in range(8)} for order in orders)


async def test_asking_again_tells_where_it_stands_and_sends_nothing_twice(scene: Scene) -> None:
    mixer = scene.start()
    first = await mixer.take(claim(1))
    scene.now_ms += 5_000
    assert await mixer.take(claim(1)) == first
    scene.now_ms += 600_000
    await mixer.round()
    assert await mixer.take(claim(1)) == ClaimResult("0x" + "00" * 32)
    assert (await mixer.round(), scene.network.sent) == (0, 1)
    assert await refused(mixer.take(claim(1, to=b"\x07" * 20))) == "claim.done"


async def test_a_crash_loses_nothing_and_pays_nothing_twice(scene: Scene) -> None:
    mixer = scene.start()
    await mixer.take(claim(1))
    await mixer.take(claim(2))
    mixer = scene.start()
    assert await scene.waiting() == 2
    # One was sent, and the process ended before it was noted.
    scene.network.paid[(1, address_of(key(1)))] = address_of(key(1))
    scene.network.reason = LEAF_CLAIMED
    scene.now_ms += 600_000
    await mixer.round()
    scene.network.reason = None
    assert (await scene.waiting(), scene.network.sent) == (0, 0)
    assert await mixer.take(claim(1)) == ClaimResult("0x" + "00" * 32)


async def test_what_fails_for_now_waits_for_another_round_and_not_for_ever(scene: Scene) -> None:
    mixer = scene.start()
    await mixer.take(claim(1))
    scene.network.reason = "final"
    for number in range(MOST_TRIES):
        scene.now_ms += 600_000
        assert (await mixer.round(), await scene.waiting()) == (0, int(number < MOST_TRIES - 1))
        assert await mixer.round() == 0
    scene.network.reason = None
    await mixer.take(claim(1))
    scene.now_ms += 600_000
    assert await mixer.round() == 1


@pytest.mark.parametrize(
    ("make", "limits", "code"),
    [
        (lambda: [*claim(1), *claim(2)], {}, "message.schema"),
        (lambda: [], {}, "message.schema"),
        (lambda: [{**claim(1)[0], "signature": claim(2)[0]["signature"]}], {}, "claim.signature"),
        (lambda: claim(1), {"relay_per_hour": 0}, "claim.busy"),
        (lambda: claim(1), {"relay_hour_wei": 1}, "claim.busy"),
        (lambda: claim(1), {"relay_least_wei": 8}, "claim.small"),
    ],
)
async def test_what_is_refused_is_not_kept(
    scene: Scene, make: Callable[[], list[Any]], limits: dict[str, int], code: str
) -> None:
    mixer = scene.start(**limits)
    assert await refused(mixer.take(make())) == code
    assert await scene.waiting() == 0


async def test_the_hours_claims_count_those_that_wait(scene: Scene) -> None:
    mixer = scene.start(relay_per_hour=2)
    await mixer.take(claim(1))
    await mixer.take(claim(2))
    assert await refused(mixer.take(claim(3))) == "claim.busy"
    assert (await mixer.take(claim(2))).transaction is None


async def test_another_recipient_takes_the_place_of_the_first(scene: Scene) -> None:
    """The fan has decided otherwise before it was sent."""
    mixer = scene.start()
    await mixer.take(claim(1))
    await mixer.take(claim(1, to=b"\x07" * 20))
    assert await scene.waiting() == 1
    scene.now_ms += 600_000
    await mixer.round()
    assert scene.network.paid == {(1, address_of(key(1))): b"\x07" * 20}


async def test_gas_beyond_the_budget_is_not_promised_twice(scene: Scene) -> None:
    """Claims of a round are sent beside each other: together they stay within the hour."""
    mixer = scene.start(relay_hour_wei=3 * 250_000)
    scene.network.gas = 250_000
    for number in range(3):
        await mixer.take(claim(number))
    await mixer._relay.reserve(1)
    scene.now_ms += 600_000
    assert await mixer.round() == 2
    assert await scene.waiting() == 1


EPOCH = START_MS // 60_000
"""Runs at the start: by the schedule it is final 80 s later."""


async def test_a_claim_is_taken_while_its_epoch_runs_and_sent_at_the_moment_that_it_names(scene: Scene) -> None:
    """The computer of the listener may be off when the epoch becomes final: the times of claims say nothing of it."""
    scene.early[EPOCH] = "claim.unknown"
    mixer = scene.start()
    assert await refused(mixer.take(claim(1, epoch=EPOCH), START_MS // 1000 + 5_000)) == "claim.unknown"
    await scene.owe(1, EPOCH)
    due_s = START_MS // 1000 + 5_600
    assert await mixer.take(claim(1, epoch=EPOCH), START_MS // 1000 + 5_000) == ClaimResult(None, due_s=due_s)
    # Asked again, also with another moment, it is the first.
    assert await mixer.take(claim(1, epoch=EPOCH)) == ClaimResult(None, due_s=due_s)
    del scene.early[EPOCH]
    scene.now_ms += 5_599_000
    assert (await mixer.round(), scene.network.sent) == (0, 0)
    scene.now_ms += 1_000
    assert (await mixer.round(), scene.network.sent) == (1, 1)


async def test_a_claim_that_names_no_moment_waits_for_its_epoch(scene: Scene) -> None:
    scene.early[EPOCH] = "claim.unknown"
    mixer = scene.start()
    await scene.owe(1, EPOCH)
    final_s = HERE.schedule.due(EPOCH)
    assert (await mixer.take(claim(1, epoch=EPOCH))).due_s == final_s + 600
    scene.early[EPOCH] = "claim.pending"
    assert (await mixer.take(claim(2, epoch=EPOCH))).due_s == final_s + 600


async def test_a_claim_whose_moment_has_not_come_fills_no_round(scene: Scene) -> None:
    mixer = scene.start(relay_mix_most=2)
    await mixer.take(claim(1), START_MS // 1000 + 5_000)
    await mixer.take(claim(2))
    assert await mixer.round() == 0
    scene.now_ms += 600_000
    assert (await mixer.round(), scene.network.order) == (1, [address_of(key(2))])


@pytest.mark.parametrize("code", ["claim.unknown", "claim.pending"])
async def test_an_epoch_that_is_posted_late_is_waited_for(scene: Scene, code: str) -> None:
    mixer = scene.start()
    await scene.owe(1, EPOCH)
    scene.early[EPOCH] = code
    await mixer.take(claim(1, epoch=EPOCH))
    scene.now_ms += 700_000
    assert (await mixer.round(), await scene.waiting()) == (0, 1)
    del scene.early[EPOCH]
    scene.now_ms += 660_000
    assert await mixer.round() == 1


async def test_a_moment_too_far_ahead_is_refused(scene: Scene) -> None:
    mixer = scene.start()
    assert await refused(mixer.take(claim(1), START_MS // 1000 + 15 * 86_400)) == "message.schema"


async def test_many_that_fail_at_once_are_not_given_up_at_once(scene: Scene) -> None:
    """A full round went without a wait: a node that was away for seconds used up the tries of all of them."""
    mixer = scene.start(relay_mix_most=4)
    for number in range(8):
        await mixer.take(claim(number))
    scene.network.reason = "final"
    for _ in range(3 * MOST_TRIES):
        await mixer.round()
        scene.now_ms += 1_000
    assert await scene.waiting() == 8
    scene.network.reason = None
    scene.now_ms += 600_000
    assert await mixer.round() + await mixer.round() == 8
