"""The queue of claims that are paid in private: held, mixed with others, kept over a crash, asked for again without harm."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from pywallet.messages import Claim, Domain, sign
from pywallet.platform import address_of, keccak256
from security_server.mixing import MOST_TRIES, Mixer
from security_server.relay import Relay
from security_server.store import Store
from security_server.tables import queued_claims
from tests.unit.security_server.test_server_relay import CONFIG, HERE, KEYS, Leaves, Network, View, refused

DOMAIN = Domain(HERE.chain_id, HERE.settlement)
START_MS = 1_800_000_000_000
WAIT_S = 600.0


class Scene:
    """A database, a chain that counts, and a clock; ``start`` is a start of the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network = Network()
        self.now_ms = START_MS
        self.store: Store | None = None

    def start(self, **limits: Any) -> Mixer:
        """A new process over the same files."""
        if self.store is not None:
            self.store.close()
        self.store = Store(f"sqlite:///{self.folder}/server.sqlite3")

        async def now_ms() -> int:
            return self.now_ms

        config = replace(CONFIG, relay_mix_s=WAIT_S, **limits)
        core: Any = SimpleNamespace(
            address=KEYS.address, keys=KEYS, config=config, domain=DOMAIN, chain=View(self.network), store=self.store, now_ms=now_ms
        )
        leaves: Any = Leaves()
        return Mixer(core, Relay(core, leaves))

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
    return [sign(Claim(server=KEYS.address, epoch=epoch, payee=payee, to=to or payee, tip=0), DOMAIN, key(number)).to_json()]


async def test_nothing_is_sent_before_the_wait_is_over_and_then_all_of_it_alone_or_not(scene: Scene) -> None:
    mixer = scene.start()
    assert await mixer.take(claim(1)) == {"transaction": None, "due_s": START_MS // 1000 + 600}
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
    assert await mixer.take(claim(1)) == {"transaction": "0x" + "00" * 32}
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
    scene.network.reason = "claimed"
    scene.now_ms += 600_000
    await mixer.round()
    scene.network.reason = None
    assert (await scene.waiting(), scene.network.sent) == (0, 0)
    assert await mixer.take(claim(1)) == {"transaction": "0x" + "00" * 32}


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
async def test_what_is_refused_is_not_kept(scene: Scene, make: Callable[[], list[Any]], limits: dict[str, int], code: str) -> None:
    mixer = scene.start(**limits)
    assert await refused(mixer.take(make())) == code
    assert await scene.waiting() == 0


async def test_the_hours_claims_count_those_that_wait(scene: Scene) -> None:
    mixer = scene.start(relay_per_hour=2)
    await mixer.take(claim(1))
    await mixer.take(claim(2))
    assert await refused(mixer.take(claim(3))) == "claim.busy"
    assert (await mixer.take(claim(2)))["transaction"] is None


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
