"""What only fans hold is set aside once a server's copy was put back: all of it, and for good."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pywallet.crypto import address_of
from pywallet.protocol import (
    Domain,
    Receipt,
    Signed,
    sign,
)
from tests.simulation.fans import Fan, private_key
from tests.simulation.hosts import HostFan
from tests.simulation.network import Faults, Network
from tests.simulation.restoring import Operator

DOMAIN = Domain(31_337, bytes(range(20)))
SERVERS = {address_of(private_key(name)): private_key(name) for name in ("server", "second server")}
FIRST, SECOND = SERVERS
PAYEE = bytes([7]) * 20


def receipt(server: bytes, amount: int) -> Signed[Receipt]:
    return sign(Receipt(server=server, epoch=3, payee=PAYEE, amount=amount, detail=bytes(32)), DOMAIN, SERVERS[server])


def fan_of(kind: type[Fan]) -> Any:
    fan = kind("fan", Network(1, Faults()), dict.fromkeys(SERVERS), SimpleNamespace(), DOMAIN, {}, lambda: 0.0)  # type: ignore[arg-type]
    fan.records.payees.add(PAYEE)
    return fan


def database(path: Path, amount: int) -> Path:
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE epochs (epoch, data, commitment)")
        made.execute("CREATE TABLE receipts (epoch, payee, source, amount)")
        made.execute("INSERT INTO receipts VALUES (3, ?, 'plays', ?)", (PAYEE, amount))
        made.commit()
    return path


def forget(tmp_path: Path, fan: Any) -> Operator:
    """Lose a database in which a payee had 9 wei, and put a copy back in which it has 5."""
    database(tmp_path / "server.backup", 5)
    world: Any = SimpleNamespace(
        folder=tmp_path, fans=[fan], keys=SimpleNamespace(address=FIRST), session=lambda _: None
    )
    operator = Operator(world)
    asyncio.run(operator._forget(database(tmp_path / "lost", 9)))
    return operator


def test_a_receipt_that_lies_unread_at_a_fan_is_set_aside(tmp_path: Path) -> None:
    fan = fan_of(Fan)
    pushed = [{"event": "receipt", "receipt": receipt(FIRST, 9).to_json()}]
    fan._lines[FIRST] = SimpleNamespace(drain=lambda: [pushed.pop()] if pushed else [])
    operator = forget(tmp_path, fan)
    fan.receive_pushed()
    assert [one.message.amount for one in operator.lost] == [9]
    assert not fan.records.seen
    assert not fan.records.receipts


def test_a_receipt_that_was_set_aside_does_not_come_back_with_an_event_of_the_other_server(tmp_path: Path) -> None:
    fan = fan_of(HostFan)
    rows = {FIRST: receipt(FIRST, 9), SECOND: receipt(SECOND, 2)}
    ledger = {
        server: SimpleNamespace(amount_wei=one.message.amount, signed_json=json.dumps(one.to_json()))
        for server, one in rows.items()
    }
    fan._host = SimpleNamespace(ledger=SimpleNamespace(receipt=lambda server, *_: ledger[server]))
    fan._receipt(3, PAYEE)
    assert len(fan.records.seen) == 2
    forget(tmp_path, fan)
    fan._receipt(3, PAYEE)
    assert {key[0] for key in fan.records.seen} == {SECOND}
    assert {key[0] for key in fan.records.receipts} == {SECOND}
