"""A host whose listener pays, its security server with statements that a test writes, and the accounts on the chain."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Price
from pywallet.protocol import (
    Session,
    SettledLine,
    Signed,
    Statement,
    StatementLine,
    Voucher,
    digest,
    settled_lines_hash,
    sign,
    statement_lines_hash,
)
from pywallet.settlement import Schedule, gross
from tests.integration.host_server import StandIn
from tests.integration.host_world import CONTENT, DOMAIN, LISTENER, POLICY, SERVER, World

PRICE, BPS = 1_000_003, 500
LISTENER_ADDRESS = address_of(LISTENER)
PAID = replace(POLICY, price=Price(30, PRICE, 0, "listener"), lease=None)
SCHEDULE = Schedule(3_600, 300, 1_500, 1_200, 1_209_600, 4_500)
ORIGIN = "https://radio.example"


@dataclass
class Books(StandIn):
    """A server whose statements a test writes; the vouchers that it got."""

    said: dict[str, Any] = field(default_factory=dict)
    vouchers: list[Signed[Voucher]] = field(default_factory=list)
    named: list[Any] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)

    def state(
        self, session: Signed[Session], intervals: int, spent: int | None = None, key: bytes = SERVER, **changes: Any
    ) -> None:
        """Set the next statement: ticket 1 with these intervals."""
        told = {
            "number": 1,
            "content": CONTENT,
            "session": digest(session.message, DOMAIN),
            "price": PRICE,
            "reward": 0,
            **changes,
        }
        line = StatementLine(intervals=intervals, **told)
        epoch = SCHEDULE.epoch_of(self.now_s or 0)
        spent = gross(intervals * PRICE, BPS) if spent is None else spent
        message = Statement(
            server=self.address,
            payer=session.message.listener,
            epoch=epoch,
            spent=spent,
            lines=statement_lines_hash([line]),
        )
        wire = {name: to_hex(value) if isinstance(value, bytes) else value for name, value in vars(line).items()}
        wire |= {"price": str(line.price), "reward": str(line.reward)}
        self.stated = {"statement": sign(message, DOMAIN, key).to_json(), "lines": [wire]}

    def _statement(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.stated

    def _voucher(self, request: dict[str, Any]) -> dict[str, Any]:
        self.vouchers.append(Signed.from_json(Voucher, request["voucher"]))
        self.named.append(request.get("lines"))
        return {"receipts": 1}

    def _books(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.shown

    def state_lines(
        self, lines: list[tuple[StatementLine, int]], payer: bytes, settled: int = 0, spent: int | None = None
    ) -> None:
        """Set the next statement: lines with their settled intervals, and the cumulative settled sum."""
        net = sum((line.intervals - count) * line.price for line, count in lines)
        plain = [line for line, _ in lines]
        spent = settled + gross(net, BPS) if spent is None else spent
        message = Statement(self.address, payer, SCHEDULE.epoch_of(self.now_s or 0), spent, statement_lines_hash(plain))
        wire = []
        for line, count in lines:
            one = {name: to_hex(value) if isinstance(value, bytes) else value for name, value in vars(line).items()}
            wire.append({**one, "price": str(line.price), "reward": str(line.reward), "settled": count})
        told = {"statement": sign(message, DOMAIN, SERVER).to_json(), "lines": wire}
        self.stated = {**told, "settled_wei": str(settled), "net_wei": "0", "waiting": None}

    def show(
        self, payer: bytes, settled: int, lines: list[SettledLine], voucher: Signed[Voucher] | None, **more: Any
    ) -> None:
        """Set the next result of ``books``."""
        message = Statement(self.address, payer, SCHEDULE.epoch_of(self.now_s or 0), settled, settled_lines_hash(lines))
        signed = {
            "statement": sign(message, DOMAIN, SERVER).to_json(),
            "lines": [[one.number, one.epoch, one.intervals] for one in lines],
        }
        self.shown = {
            "voucher": None if voucher is None else voucher.to_json(),
            "settled": signed,
            "tickets": [],
            "last_number": 0,
            "lost": [],
            **more,
        }


class Registry:
    """A registry with one commission and one content."""

    async def rate_at(self, epoch: int) -> int:
        """Commission of an epoch."""
        return BPS

    async def is_content(self, content: bytes) -> bool:
        """Return whether the registry has a content."""
        return content == CONTENT


class Escrow:
    """The settlement's door: so much is in, so much debited."""

    def __init__(self) -> None:
        self.spent, self.escrow, self.asked = 0, 10**9, 0

    async def account(self, server: bytes, payer: bytes) -> tuple[int, int]:
        """Debited amount and escrow."""
        return self.spent, self.escrow

    async def requested(self, server: bytes, payer: bytes) -> int:
        """Amount requested for withdrawal."""
        return self.asked


async def content_state() -> Any:
    """State of every content: its price."""
    return SimpleNamespace(price=PRICE)


async def listen(fan: World, seconds: int, budget: int = 10**8) -> Signed[Session]:
    """Play the paid content for some time."""
    for origin in (ORIGIN, "*"):
        await fan.ask("site", origin=origin, day_wei=str(budget))
    await fan.open("s", PAID)
    session = fan.session()
    await fan.identify(session.to_json())
    await fan.prepare(fan.ticket(session, price=0, reward=0, bps=BPS).to_json())
    await fan.invoke("play", 0, 0, 1)
    for at in range(5, seconds + 1, 5):
        fan.chain.now += 5000
        await fan.invoke("renew", at * 1000)
    return session


async def owed(fan: World) -> dict[str, Any] | None:
    """The voucher to sign; None where nothing new is owed, and nothing waits."""
    told = await fan.ask("owed", stream="s")
    assert told["waiting"] is None
    return dict(told["due"]) if told["due"] else None


async def due_now(fan: World) -> dict[str, Any]:
    """The voucher to sign, which there is."""
    due = await owed(fan)
    assert due is not None
    return due


async def refusal(work: Any) -> str:
    """The code with which a request is refused."""
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


def voucher(due: dict[str, Any], key: bytes = LISTENER, more: int = 0) -> dict[str, Any]:
    """A voucher signed as by a wallet."""
    message = Voucher(
        server=address_of(SERVER), payer=address_of(LISTENER), cap=int(due["cap_wei"]) + more, until=due["until"]
    )
    return sign(message, DOMAIN, key).to_json()
