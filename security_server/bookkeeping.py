"""Accounts, statements, vouchers and receipts: the server's dealings with those who pay and are paid."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from pywallet.errors import InputError, Refusal
from pywallet.hexes import from_hex, to_hex
from pywallet.messages import Signed, Statement, StatementLine, Voucher, sign, statement_lines_hash
from pywallet.platform import keccak256, recover
from pywallet.settlement import gross
from security_server.accounts import outstanding
from security_server.core import Core
from security_server.playing import require_refusing
from security_server.rows import get
from security_server.schema import StatementRequest, VoucherPost
from security_server.statements import Issued, Settling, settle, state, stated_contents, stored
from security_server.tables import receipts, sessions

STALE_S: Final = 120
"""A payer's request for a statement is good for so long on either side of its time."""
_MOST_RECEIPTS: Final = 2_000


def statement_digest(server: bytes, time_s: int) -> bytes:
    """What a payer signs to ask for its statement."""
    return keccak256(b"gomaa/1 statement" + server + time_s.to_bytes(8, "big"))


def receipt_json(issued: Issued) -> dict[str, Any]:
    """A receipt on the wire."""
    detail = {
        "content": to_hex(issued.content),
        "session": to_hex(issued.session),
        "plays": issued.plays,
        "seeks": issued.seeks,
        "seconds": issued.seconds,
        "sequence": issued.sequence,
        "invocation": to_hex(issued.invocation),
    }
    return {"receipt": issued.receipt.to_json(), "detail": detail}


def line_json(line: StatementLine) -> dict[str, Any]:
    """A statement's line on the wire."""
    return {
        "number": line.number,
        "content": to_hex(line.content),
        "session": to_hex(line.session),
        "intervals": line.intervals,
        "price": str(line.price),
        "reward": str(line.reward),
    }


class Bookkeeping:
    """Money that is heard, but not on the chain yet."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # One voucher at a time: the check of the bond and the settling are one step.
        self._settling = asyncio.Lock()

    async def account(self, payer: bytes) -> dict[str, str]:
        """A payer's escrow with this server and what is left of it."""
        core = self._core
        money = await core.chain.money(payer)
        epoch = await self._epoch()
        owed = await core.store.run(lambda connection: outstanding(connection, payer, core.running(connection, epoch)))
        vouchered = owed.unposted + gross(owed.current_net, money.bps)
        total = owed.gross_with(money.bps)
        return {
            "escrow_wei": str(money.escrow),
            "requested_wei": str(money.requested),
            "unposted_wei": str(vouchered),
            "unvouchered_wei": str(total - vouchered),
            "usable_wei": str(max(0, money.free - total)),
        }

    async def statement(self, request: StatementRequest) -> dict[str, Any]:
        """What the asking payer owes, signed."""
        core = self._core
        payer = from_hex(request.payer, 20)
        now_s = await core.now_ms() // 1000
        if abs(request.time_s - now_s) > STALE_S:
            raise InputError("invocation.time", time_s=request.time_s, now_s=now_s)
        try:
            signer = recover(statement_digest(core.address, request.time_s), from_hex(request.signature, 65))
        except InputError:
            signer = b""
        if signer != payer:
            raise Refusal("voucher.signature", reason="the request is not the payer's")
        return await self._state(payer, now_s)

    async def owed(self, device: bytes, session: bytes) -> dict[str, Any]:
        """What the listener of a session owes, for the session's own device. Raises Refusal ``session.device``."""
        row = await self._core.store.run(lambda connection: get(connection, sessions, id=session))
        if row is None or row["device"] != device:
            raise Refusal("session.device")
        return await self._state(row["listener"], await self._core.now_ms() // 1000)

    async def _state(self, payer: bytes, now_s: int) -> dict[str, Any]:
        core = self._core
        core.agreement.require()
        money = await core.chain.money(payer)
        bond = await self._bond()
        epoch = core.schedule.epoch_of(now_s)
        stated = await core.store.run(lambda connection: state(connection, payer, core.running(connection, epoch), money, bond))
        lines = statement_lines_hash(stated.lines)
        message = Statement(server=core.address, payer=payer, epoch=stated.epoch, spent=stated.spent, lines=lines)
        signed = sign(message, core.domain, core.keys.signing)
        return {"statement": signed.to_json(), "lines": [line_json(line) for line in stated.lines]}

    async def voucher(self, request: VoucherPost) -> dict[str, Any]:
        """Settle what a voucher covers; the receipts go to the hosts at once."""
        core = self._core
        core.agreement.require()
        signed = Signed.from_json(Voucher, request.voucher)
        message = signed.message
        if message.server != core.address:
            raise Refusal("voucher.signature", reason="another server")
        require_refusing(signed, core, message.payer, "voucher.signature")
        async with self._settling:
            money = await core.chain.money(message.payer, fresh=True)
            bond = await self._bond()
            now_s = await core.now_ms() // 1000
            epoch = await core.store.run(lambda connection: core.running(connection, core.schedule.epoch_of(now_s)))
            named = await core.store.run(lambda connection: stated_contents(connection, message.payer))
            owners = {content: await core.chain.owner_at(content, epoch) for content in named}

            def work(connection: Connection) -> list[Issued]:
                running = core.running(connection, epoch)
                at = Settling(core.domain, core.address, core.keys.signing, running, now_s, money, bond, owners)
                return settle(connection, signed, at)

            issued = await core.store.run(work)
        await self._push(issued)
        return {"receipts": len(issued)}

    async def _push(self, issued: Sequence[Issued]) -> None:
        wanted = {one.receipt.message.payee for one in issued}
        query = select(sessions.c.payee, sessions.c.device).where(sessions.c.payee.in_(wanted))
        devices: dict[bytes, set[bytes]] = defaultdict(set)
        for payee, device in await self._core.store.run(lambda connection: list(connection.execute(query))):
            devices[payee].add(device)
        for one in issued:
            if to := devices.get(one.receipt.message.payee):
                self._core.hub.push({"event": "receipt", **receipt_json(one)}, to)

    async def receipts(self, payees: Sequence[bytes], since_epoch: int, only: int | None = None) -> dict[str, Any]:
        """Receipts of these payees, oldest first; ``only`` one epoch, or from ``since_epoch`` on."""
        query = select(receipts).where(receipts.c.payee.in_(list(payees)))
        query = query.where(receipts.c.epoch >= since_epoch) if only is None else query.where(receipts.c.epoch == only)
        query = query.order_by(receipts.c.epoch, receipts.c.payee, receipts.c.source).limit(_MOST_RECEIPTS)
        rows = await self._core.store.run(lambda connection: connection.execute(query).mappings().all())
        return {"receipts": [receipt_json(stored(row, self._core.address)) for row in rows]}

    async def _epoch(self) -> int:
        return self._core.schedule.epoch_of(await self._core.now_ms() // 1000)

    async def _bond(self) -> int:
        """The bond that backs receipts now: nothing while the server retires (rule 5)."""
        lane = await self._core.chain.lane()
        return 0 if lane.retired is not None else lane.bond
