"""Who is told a receipt, an account and what is settled: those whom it is about, and nobody who merely names them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from messages.host_server.billing import Pay, ReceiptsRequest
from messages.server_http import AccountRequest, ReceiptsPost, VoucherPost
from pywallet.crypto import address_of, keccak256
from pywallet.crypto import sign as sign_digest
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import Signed as SignedMessage
from pywallet.protocol import (
    Statement,
    Voucher,
    receipts_digest,
    sign,
    signer,
    statement_digest,
)
from security_server.db.tables import tickets
from security_server.host_connections import HostConnection
from tests.unit.security_server.epoch_server import KEYS, SCHEDULE, STATION, STATION_KEY, EpochServer, begin_s
from tests.unit.security_server.ledger_chain import LedgerChain
from tests.unit.security_server.server_desk import DEVICE, OWNER, PAYEE

STRANGER = b"\x99" * 20


async def heard(folder: Path) -> EpochServer:
    """A play that the station owes for, and a stranger's session that names the payee of its listener."""
    chain = LedgerChain(begin_s())
    chain.deposit(STATION, 10**12)
    server = EpochServer(folder, chain)
    await server.prepare()

    def name_another(connection: Any) -> None:
        server.desk.connection = connection
        server.desk.session(STRANGER, PAYEE, STRANGER, 9)

    await server.parts.store.run(name_another)
    ticket = await server.open()
    chain.time_s += 11
    assert await server.hear(ticket) is None
    return server


def connected(server: EpochServer, device: bytes) -> HostConnection:
    """A connection that has sent ``hello``."""
    line = HostConnection()
    server.parts.hosts.add(line)
    server.parts.hosts.identify(line, device)
    return line


async def test_a_receipt_goes_to_the_devices_of_its_listener(tmp_path: Path) -> None:
    """Pushed and requested.

    Whole for the device of the session, nothing for a device whose session names that payee.
    """
    server = await heard(tmp_path)
    lines = {device: connected(server, device) for device in (DEVICE, STRANGER)}
    assert await server.pay() == 2
    pushed = {
        device: [json.loads(line.frames.get_nowait() or "") for _ in range(line.frames.qsize())]
        for device, line in lines.items()
    }
    assert [event["receipt"]["message"]["payee"] for event in pushed[DEVICE]] == [to_hex(PAYEE)]
    assert pushed[STRANGER] == []
    asked = ReceiptsRequest(0, [to_hex(PAYEE), to_hex(OWNER)])
    (own,) = (await server.issued.of_device(DEVICE, asked)).receipts
    assert {"event": "receipt", **msgspec.to_builtins(own)} == pushed[DEVICE][0]
    assert (await server.issued.of_device(STRANGER, asked)).receipts == []
    server.kill()


async def test_a_payee_gets_its_receipts_by_signature(tmp_path: Path) -> None:
    """Of one epoch or all; not with another's key, for another server or at another time."""
    server = await heard(tmp_path)
    await server.pay()
    key = keccak256(b"an owner")
    now_s = server.chain.time_s

    async def ask(payee: bytes, by: bytes = KEYS.address, time_s: int = now_s) -> list[Any]:
        signature = to_hex(sign_digest(key, receipts_digest(by, payee, time_s)))
        return (await server.issued.of_payee(ReceiptsPost(to_hex(payee), time_s, signature))).receipts

    assert await ask(address_of(key)) == []
    for changes, code in (
        ({"payee": PAYEE}, "claim.signature"),
        ({"payee": address_of(key), "by": OWNER}, "claim.signature"),
        ({"payee": address_of(key), "time_s": now_s - 121}, "invocation.time"),
    ):
        with pytest.raises(GomaaError) as error:
            await ask(**changes)  # type: ignore[arg-type]
        assert error.value.code == code
    server.kill()


async def test_accounts_and_settled_lines_are_the_payers(tmp_path: Path) -> None:
    """A voucher is published on the chain: another sender of it gets no lines.

    The payer gets them by a fresh signature.
    """
    server = await heard(tmp_path)
    await server.pay()
    until, time_s = SCHEDULE.epoch_of(server.chain.time_s) + 10, server.chain.time_s
    stated = await server.books.state(STATION)
    cap = SignedMessage.from_json(Statement, stated.statement).message.spent
    voucher = sign(Voucher(KEYS.address, STATION, cap, until), server.parts.domain, STATION_KEY).to_json()
    told: list[Any] = []
    for key in (None, keccak256(b"stranger"), STATION_KEY):
        proof = None if key is None else to_hex(sign_digest(key, statement_digest(KEYS.address, time_s)))
        told.append((await server.books.voucher(VoucherPost(voucher, [(1, 1)], time_s, proof))).settled)
    assert told[:2] == [None, None]
    assert [line[0] for line in told[2].lines] == [1]
    assert signer(SignedMessage.from_json(Statement, told[2].statement), server.parts.domain) == KEYS.address
    stranger = to_hex(sign_digest(keccak256(b"stranger"), statement_digest(KEYS.address, time_s)))
    with pytest.raises(GomaaError) as error:
        await server.books.account(AccountRequest(to_hex(STATION), time_s, stranger))
    assert error.value.code == "voucher.signature"
    server.kill()


async def test_a_published_voucher_discloses_no_tickets(tmp_path: Path) -> None:
    """Sent again by a stranger while its payer owes more.

    No result discloses the payer's tickets or debt.
    """
    server = await heard(tmp_path)
    await server.pay()
    (ticket,) = [
        bytes(row.id)
        for row in await server.store.run(lambda connection: connection.execute(select(tickets.c.id)).all())
    ]
    server.chain.time_s += 11
    assert await server.hear(ticket) is None
    cap = SignedMessage.from_json(Statement, (await server.books.state(STATION)).statement).message.spent
    until = SCHEDULE.epoch_of(server.chain.time_s) + 10
    used = sign(Voucher(KEYS.address, STATION, cap // 2, until), server.parts.domain, STATION_KEY).to_json()
    answers = set()
    for lines in ([(1, 2)], [(2, 2)], [(1, 1)], [], None):
        answers.add(msgspec.json.encode(await server.books.voucher(VoucherPost(used, lines))))
        # A device of a play that a station pays for is not that payer.
        for device in (STRANGER, DEVICE):
            answers.add(msgspec.json.encode(await server.books.listener_voucher(device, Pay(0, used, lines))))
    assert len(answers) == 1
    time_s = server.chain.time_s
    proof = to_hex(sign_digest(STATION_KEY, statement_digest(KEYS.address, time_s)))
    with pytest.raises(GomaaError) as error:
        await server.books.voucher(VoucherPost(used, [(1, 2)], time_s, proof))
    assert error.value.code == "voucher.cap"
    server.kill()
