"""Claims that are sent without their payee's signature.

Only where the chain takes them, by what it says at that moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chain.contracts.reverts import INVALID_CLAIM, LEAF_CLAIMED
from chain.contracts.settlement import ClaimItem
from chain.deployment import Deployment
from pywallet.errors import GomaaError
from pywallet.protocol import Claim, Domain, Signed
from pywallet.settlement import EpochHeader, Schedule
from security_server.billing.claim_relay import ClaimRelay
from security_server.chain.view import ChainView
from security_server.config import Config, Keys
from security_server.db.writer import Store
from tests.unit.security_server import services

HERE = Deployment(
    31337, "ws://127.0.0.1:1", *[bytes([n]) * 20 for n in range(1, 6)], 7, Schedule(60, 5, 15, 15, 3600, 70), 10**18
)
KEYS = Keys.make()
CONFIG = Config(Path(), Path())
OWNER = b"\x0a" * 20


class Network:
    """A chain that knows owners and counts what is sent."""

    def __init__(self) -> None:
        self.owners: set[bytes] = set()
        self.sent = 0
        self.gas = 100
        self.paid: dict[tuple[int, bytes], bytes] = {}
        self.order: list[bytes] = []
        self.reason: str | None = None

    async def call(self, _contract: bytes, _function: Any, account: bytes) -> tuple[bool]:
        """``Registry.is_owner``."""
        return (account in self.owners,)


class View(ChainView):
    """The product's view; claims and the price of gas are the test's."""

    def __init__(self, network: Network) -> None:
        chain: Any = network
        super().__init__(chain, chain, HERE, KEYS.address, CONFIG)
        self.network = network

    async def gas_price(self) -> int:
        """See ChainView."""
        return 1

    async def claim(
        self, key: bytes, items: Sequence[Any], nodes: Sequence[Any], to: bytes, tip: int
    ) -> tuple[bytes, int]:
        """See ChainView."""
        if self.network.reason is not None:
            raise GomaaError("chain.reverted", reason=self.network.reason)
        self.network.sent += 1
        self.network.order.append(items[0].payee)
        self.network.paid.update({(item.epoch, item.payee): to for item in items})
        return bytes(32), self.network.gas

    async def balance(self, address: bytes) -> int:
        """See ChainView."""
        return 10**18

    async def paid(self, epoch: int, payee: bytes) -> tuple[bytes, bytes] | None:
        """See ChainView."""
        to = self.network.paid.get((epoch, payee))
        return None if to is None else (bytes(32), to)


class Leaves:
    """Every payee has a leaf."""

    async def claim_item(self, one: Signed[Claim], *, signed: bool = True) -> tuple[ClaimItem, Sequence[Any]]:
        """See EpochPublisher."""
        header = EpochHeader(bytes(32), 7, bytes(32))
        return ClaimItem(KEYS.address, one.message.epoch, header, one.message.payee, 7, 0, 0, 0, 0), ()


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[ClaimRelay]:
    """A relay over an empty database."""
    store = Store(f"sqlite:///{tmp_path}/server.sqlite3")

    async def now_ms() -> int:
        return 1_800_000_000_000

    domain = Domain(HERE.chain_id, HERE.settlement)
    view: Any = View(Network())
    view.now_ms = now_ms
    core: Any = SimpleNamespace(address=KEYS.address, keys=KEYS, config=CONFIG, domain=domain, chain=view, store=store)
    leaves: Any = Leaves()
    yield services.relay(core, leaves)
    store.close()


def push(epoch: int) -> list[Any]:
    """An owner's leaf, to the owner itself, with no signature of its."""
    return [
        Signed(Claim(server=KEYS.address, epoch=epoch, payee=OWNER, to=OWNER, tip=0), bytes(64) + b"\x1b").to_json()
    ]


async def refused(work: Any) -> str:
    """The code of a refusal."""
    with pytest.raises(GomaaError) as error:
        await work
    return error.value.code


async def test_the_chain_is_asked_whose_leaf_may_be_sent_each_time(relay: ClaimRelay) -> None:
    """The finding: what it had said was believed for a minute.

    An owner since a moment was refused, and one no longer was sent.
    """
    network = relay._chain.network  # type: ignore[attr-defined]
    assert await refused(relay.claim(push(1))) == "claim.signature"
    network.owners.add(OWNER)
    await relay.claim(push(1))
    network.owners.clear()
    assert await refused(relay.claim(push(2))) == "claim.signature"
    assert network.sent == 1


async def test_what_the_chain_would_not_take_is_not_sent_and_costs_no_budget(relay: ClaimRelay) -> None:
    """Where the answer changes between question and estimate: the contract's word becomes the claim's code."""
    network = relay._chain.network  # type: ignore[attr-defined]
    network.owners.add(OWNER)
    for network.reason, code in (
        (INVALID_CLAIM, "claim.signature"),
        (LEAF_CLAIMED, "claim.done"),
        ("final", "chain.reverted"),
    ):
        assert await refused(relay.claim(push(1))) == code
    assert await relay._spent() == (0, 0)
    assert network.sent == 0
