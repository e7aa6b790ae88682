"""Requests of payers: accounts, statements, vouchers, resynchronisation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, select

from messages.fields import Message
from messages.host_server.billing import Pay
from messages.server_http import AccountRequest, BooksRequest, StatementRequest, VoucherPost
from pywallet.crypto import recover
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.protocol import (
    Domain,
    Signed,
    Statement,
    StatementLine,
    Voucher,
    settled_lines_hash,
    sign,
    statement_digest,
    statement_lines_hash,
)
from pywallet.rules.limits import request_is_fresh
from pywallet.settlement import Schedule, gross
from security_server.billing.accounts import (
    Differs,
    Mark,
    account,
    outstanding,
)
from security_server.billing.fair_slots import EpochBounds
from security_server.billing.receipts import Receipts
from security_server.billing.resync import (
    Acknowledged,
    Shown,
    acknowledge,
    adopt,
    own_acknowledgement,
    show,
    ticket_of,
)
from security_server.billing.settling import (
    Done,
    Settling,
    remember,
    settle_voucher,
)
from security_server.billing.statements import Stated, due_contents, state
from security_server.chain_view import ChainView
from security_server.config import Keys
from security_server.db.queries import get
from security_server.db.tables import sessions, tickets
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.epochs.running_epoch import running_epoch
from security_server.signatures import require_refusing

_TAKEN: Final[dict[str, Any]] = {"receipts": 0, "waiting": None, "settled": None}
"""Answer to a voucher that somebody else than its payer sends."""
_TRIES: Final = 5
"""So often are chain and books read again when an epoch ends or a post is made in between."""
T = TypeVar("T")


class _Moved(Exception):
    """The epoch that runs inside the transaction is not the one whose facts were read."""


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


class Billing:
    """Answers payers: what they owe, and what their vouchers settle."""

    def __init__(
        self,
        *,
        keys: Keys,
        domain: Domain,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        agreement: ChainAgreement,
        receipts: Receipts,
        bounds: EpochBounds,
    ) -> None:
        self._keys = keys
        self._domain = domain
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._agreement = agreement
        self._receipts = receipts
        self._address = keys.address
        self._bounds = bounds

    async def account(self, request: AccountRequest) -> dict[str, str]:
        """The asking payer's escrow with this server and what is left of it.

        A listener is a payer, too: nobody else is told.
        """
        payer = await self._asker(request.payer, request.time_s, request.signature)
        money = await self._chain.money(payer)
        epoch = await self._epoch()
        owed = await self._store.run(
            lambda connection: outstanding(connection, payer, running_epoch(connection, epoch))
        )
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
        payer = await self._asker(request.payer, request.time_s, request.signature)
        return await self._state(payer, request.disputed)

    async def owed(self, device: bytes, session: bytes, disputed: Sequence[int] = ()) -> dict[str, Any]:
        """What the listener of a session owes, for the session's own device. Raises Refusal ``session.device``."""
        return await self._state(await self.listener(device, session), disputed)

    async def listener(self, device: bytes, session: bytes) -> bytes:
        """The listener of a session, for the session's own device. Raises Refusal ``session.device``."""
        row = await self._store.run(lambda connection: get(connection, sessions, id=session))
        if row is None or row["device"] != device:
            raise Refusal("session.device")
        listener: bytes = row["listener"]
        return listener

    async def _asker(self, address: str, time_s: int, signature: str) -> bytes:
        """The payer that signed a request. Raises ``invocation.time``, ``voucher.signature``."""
        payer = from_hex(address, 20)
        now_s = await self._chain.now_ms() // 1000
        if not request_is_fresh(time_s * 1000, now_s * 1000):
            raise InputError("invocation.time", time_s=time_s, now_s=now_s)
        try:
            signer = recover(statement_digest(self._address, time_s), from_hex(signature, 65))
        except InputError:
            signer = b""
        if signer != payer:
            raise Refusal("voucher.signature", reason="the request is not the payer's")
        return payer

    async def _state(self, payer: bytes, disputed: Sequence[int]) -> dict[str, Any]:
        numbers = frozenset(disputed)

        self._agreement.require()

        def work(connection: Connection, at: Settling) -> Stated:
            return state(connection, payer, at.epoch, at.money, at.bond, self._bounds, numbers, at.mark)

        stated = await self.in_epoch(payer, work)
        lines = statement_lines_hash(stated.lines)
        message = Statement(server=self._address, payer=payer, epoch=stated.epoch, spent=stated.spent, lines=lines)
        return {
            "statement": sign(message, self._domain, self._keys.signing).to_json(),
            "lines": [{**line_json(line), "settled": stated.counts[line.number]} for line in stated.lines],
            "settled_wei": str(stated.settled),
            "net_wei": str(stated.net),
            "waiting": stated.waiting,
        }

    async def in_epoch(
        self, payer: bytes, work: Callable[[Connection, Settling], T], *, fresh: bool = False, owners: bool = False
    ) -> T:
        """The result of a transaction whose rate, owners and account are those of the epoch that runs inside it.

        Args:
            payer: whose account is read, 20 bytes.
            work: what is done with them.
            fresh: whether the account is read anew.
            owners: whether the owners of what the payer owes for are read, in order to pay them.

        Raises:
            Unavailable: ``chain.unreachable``.
            Refusal: ``server.epoch.closed``: the epoch of the clock takes nothing more, and who earns in the next one
                is not settled before
                it begins.
        """
        mark: Mark | None = None
        for _ in range(_TRIES):
            now_s = await self._chain.now_ms() // 1000
            clock = self._schedule.epoch_of(now_s)
            epoch = await self._store.run(partial(running_epoch, epoch=clock))
            if owners and epoch > clock:
                raise Refusal("server.epoch.closed", epoch=clock)
            money = replace(
                await self._chain.money(payer, fresh=fresh or mark is not None), bps=await self._chain.rate(epoch)
            )
            contents = (
                sorted(await self._store.run(lambda connection: due_contents(connection, payer))) if owners else []
            )
            owned = await asyncio.gather(*(self._chain.owner_at(content, epoch) for content in contents))
            at = Settling(
                self._domain,
                self._address,
                self._keys.signing,
                epoch,
                now_s,
                money,
                await self._bond(),
                dict(zip(contents, owned, strict=True)),
                self._bounds,
                mark,
            )

            def inside(connection: Connection, at: Settling = at) -> T:
                if running_epoch(connection, at.epoch) != at.epoch:
                    raise _Moved
                return work(connection, at)

            try:
                return await self._store.run(inside)
            except _Moved:
                mark = None
            except Differs as differs:
                mark = differs.mark
        raise Unavailable("chain.unreachable", reason="the epoch's facts change faster than they are read")

    async def voucher(self, request: VoucherPost) -> dict[str, Any]:
        """Settle what a voucher covers of the lines that the payer agreed to; the receipts go to the hosts at once.

        Vouchers are published on the chain, and lines name tickets: what became of them is told to the payer alone, who
        signs the request. One that comes late counts, and so does one that somebody else sends; the answer is the same
        whatever it settled.

        Raises:
            Refusal: ``voucher.signature``; to the payer also what ``settle_voucher`` refuses.
            Unavailable: ``chain.unreachable``, ``server.mismatch.chain``.
        """
        signed = self._read(request.voucher)
        is_payer = False
        with contextlib.suppress(GomaaError):
            is_payer = request.signature is not None and bool(
                await self._asker(to_hex(signed.message.payer), request.time_s, request.signature)
            )
        return await self._settle(signed, request.lines, is_payer)

    async def paid(self, device: bytes, request: Pay) -> dict[str, Any]:
        """Settle a listener's voucher; what became of it is told to a device with a session of that listener.

        Raises as ``voucher``.
        """
        signed = self._read(request.voucher)
        payer, both = signed.message.payer, tickets.join(sessions, sessions.c.id == tickets.c.session)
        own = (tickets.c.payer == payer, tickets.c.listener == payer, sessions.c.device == device)
        query = select(tickets.c.id).select_from(both).where(*own).limit(1)
        has_session = await self._store.run(lambda connection: connection.execute(query).first() is not None)
        return await self._settle(signed, request.lines, has_session)

    def _read(self, voucher: Message) -> Signed[Voucher]:
        """A voucher for this server that its payer has signed. Raises Refusal ``voucher.signature``."""
        signed = Signed.from_json(Voucher, voucher)
        if signed.message.server != self._address:
            raise Refusal("voucher.signature", reason="another server")
        require_refusing(signed, self._domain, signed.message.payer, "voucher.signature")
        return signed

    async def _settle(
        self, signed: Signed[Voucher], lines: Sequence[tuple[int, int]] | None, told: bool
    ) -> dict[str, Any]:
        self._agreement.require()
        message, named = signed.message, None if lines is None else dict(lines)

        def work(connection: Connection, at: Settling) -> tuple[Done, Acknowledged]:
            done = settle_voucher(connection, signed, at, named)
            return done, acknowledge(connection, message.payer, named or {}, at)

        try:
            done, acknowledged = await self.in_epoch(message.payer, work, fresh=True, owners=True)
        except Refusal:
            if told:
                raise
            return _TAKEN
        await self._receipts.push(done.issued)
        if not told:
            return _TAKEN
        return {
            "receipts": len(done.issued),
            "waiting": done.waiting,
            "settled": self._signed(message.payer, acknowledged),
        }

    def _signed(self, payer: bytes, known: Acknowledged) -> dict[str, Any]:
        """What was settled, signed: the payer keeps it."""
        lines = settled_lines_hash(known.lines)
        message = Statement(server=self._address, payer=payer, epoch=known.epoch, spent=known.spent, lines=lines)
        rows = [[line.number, line.epoch, line.intervals] for line in known.lines]
        return {"statement": sign(message, self._domain, self._keys.signing).to_json(), "lines": rows}

    async def books(self, request: BooksRequest) -> dict[str, Any]:
        """Resynchronise a payer: exchange both sides' newest signatures (docs/protocol.md, Resynchronisation).

        Raises:
            InputError: ``invocation.time``.
            Refusal: ``voucher.signature``, ``server.mismatch``.
        """
        payer = await self._asker(request.payer, request.time_s, request.signature)
        return await self.resynchronise(payer, request.voucher, request.settled)

    async def resynchronise(self, payer: bytes, voucher: Message | None, settled: Sequence[Message]) -> dict[str, Any]:
        """Learn what the payer shows, and answer what these books show.

        Args:
            payer: who asked, 20 bytes.
            voucher: its own last voucher, as JSON, or None.
            settled: acknowledgements that this server has signed: {statement, lines}.

        Raises:
            Refusal: ``voucher.signature``, ``server.mismatch`` (an acknowledgement that this server has not signed).
        """
        shown = Signed.from_json(Voucher, voucher) if voucher is not None else None
        if shown is not None:
            if (shown.message.server, shown.message.payer) != (self._address, payer):
                raise Refusal("voucher.signature", reason="parties")
            require_refusing(shown, self._domain, payer, "voucher.signature")
        lines = [
            line
            for acknowledgement in settled
            for line in own_acknowledgement(acknowledgement, self._domain, self._address, payer)
        ]
        epochs = sorted({line.epoch for line in lines})
        states = await asyncio.gather(*(self._chain.epoch(epoch) for epoch in epochs))
        debited = {epoch for epoch, state in zip(epochs, states, strict=True) if state.ready and not state.void}

        def work(connection: Connection, at: Settling) -> tuple[Shown, Acknowledged]:
            adopt(connection, payer, [line for line in lines if line.epoch in debited])
            if shown is not None:
                account(connection, payer, at.epoch, at.money, at.mark, keep=at.money.spent > 0)
                remember(connection, shown)
            state_shown = show(connection, payer)
            return state_shown, acknowledge(connection, payer, [ticket["number"] for ticket in state_shown.tickets], at)

        state_shown, acknowledged = await self.in_epoch(payer, work, fresh=True)
        issued = [
            {
                "ticket": ticket_of(row, self._address).to_json(),
                "interval_s": row["interval_s"],
                "opened_ms": row["opened_ms"],
            }
            for row in state_shown.tickets
            if row["station_address"] == payer
        ]
        lost = [
            {
                "number": row["number"],
                "content": to_hex(row["content"]),
                "intervals": row["heard_intervals"],
                "session": state_shown.sessions[row["session"]].to_json(),
            }
            for row in state_shown.tickets
            if row["session"] in state_shown.sessions
        ]
        kept = (
            None
            if state_shown.voucher is None
            else Signed(Voucher(self._address, payer, *state_shown.voucher[:2]), state_shown.voucher[2]).to_json()
        )
        return {
            "voucher": kept,
            "settled": self._signed(payer, acknowledged),
            "tickets": issued,
            "lost": lost,
            "last_number": state_shown.last_number,
        }

    async def _epoch(self) -> int:
        return self._schedule.epoch_of(await self._chain.now_ms() // 1000)

    async def _bond(self) -> int:
        """The bond that backs receipts now: nothing while the server retires (rule 5)."""
        lane = await self._chain.lane()
        return 0 if lane.retired is not None else lane.bond
