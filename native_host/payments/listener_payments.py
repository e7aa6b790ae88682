"""Vouchers of a listener that pays: statement, comparison with the ledger, and the signed voucher."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

import msgspec

from messages.settlement import VoucherResult
from native_host.ledger import Ledger, SessionRow
from native_host.ledger.voucher_store import VoucherRow
from native_host.payments.resync import resynchronise
from native_host.payments.statement_check import CODE, StatementContext, due_of, examine, voucher_for
from native_host.playback.reporters import Reporters
from native_host.playback.session_servers import SessionServers
from native_host.playback.stream import Stream
from native_host.playback.voucher_due import Owed
from native_host.remote.server import Server
from native_host.remote.trusted_clock import TrustedClock
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.protocol import Signed, Voucher, require_signer
from pywallet.rules.statement_check import as_value

_LOST: Final = ("ticket", "spent", "settled")
"""Reasons of a mismatch that a lost ledger explains, or a voucher that another computer of this listener signed."""
_STATED_AGAIN: Final = frozenset({"voucher.signature", "voucher.cap", "server.epoch.full", "statement.minimum"})
"""Refusals of a voucher after which the server states its amount again."""


class ListenerPayments:
    """Vouchers for nothing but what was heard on this computer (docs/settlement.md, rule 9)."""

    def __init__(self, ledger: Ledger, servers: SessionServers, reporters: Reporters, clock: TrustedClock) -> None:
        self._ledger, self._servers, self._reporters, self._clock = ledger, servers, reporters, clock

    async def owed(self, stream: Stream) -> Owed:
        """The voucher that the listener should sign now.

        A voucher that was signed and not sent yet is sent first.

        Args:
            stream: A stream whose listener pays.

        Raises:
            GomaaError: ``listener.statement`` where the statement does not match the ledger; ``listener.escrow.short``;
                Unavailable ``server.*``, ``chain.unreachable``.
        """
        session, server = self._payer(stream)
        await self._send_pending(server, session.listener)
        await self._reporters.of(server, session.id).flush()
        owed = await self._checked_statement(stream, session, server, resync=True)
        if owed.due is not None:
            spent, free = await _escrow_state(stream, server.address, session.listener)
            if owed.due.cap > spent + free:
                raise Refusal("listener.escrow.short", cap_wei=str(owed.due.cap), covered_wei=str(spent + free))
        return owed

    async def _checked_statement(self, stream: Stream, session: SessionRow, server: Server, *, resync: bool) -> Owed:
        """Fetch a statement, and compare it with the ledger.

        Lines of the listener's other computers stay theirs. Where such lines fill the statement, a second request
        disputes them, and the server states them last.

        Args:
            stream: A stream whose listener pays.
            session: Its session.
            server: Its server.
            resync: True: a ledger that lacks what the listener has signed is resynchronised once.
        """
        answer = await server.request("statement", dict, session=to_hex(session.id))
        has_counts = answer.get("settled_wei") is not None
        context = await self._context(stream, session, server, has_counts)
        try:
            statement, verdict = examine(answer, context)
            if has_counts and verdict.rejected and not verdict.lines:
                disputed = [line.number for line in verdict.rejected]
                answer = await server.request("statement", dict, session=to_hex(session.id), disputed=disputed)
                statement, verdict = examine(answer, context)
            verdict.require(CODE)
        except Refusal as refusal:
            is_lost = refusal.code == CODE and refusal.detail.get("reason") in _LOST
            if not (resync and has_counts and is_lost and await resynchronise(self._ledger, stream, session, server)):
                raise
            return await self._checked_statement(stream, session, server, resync=False)
        last = self._ledger.voucher(server.address, session.listener)
        due, waiting = due_of(statement, verdict, context), answer.get("waiting")
        if due is None and has_counts and verdict.lines and last is not None:
            # Signed for before, and not settled then: the same voucher while it counts, else one for the running epoch.
            if last.until_epoch < statement.epoch:
                due = voucher_for(statement, verdict, context, added=0)
            else:
                unsent = replace(last, sent=False, lines=verdict.intervals)
                with self._ledger.write():
                    self._ledger.set_voucher(server.address, session.listener, unsent)
                waiting = await self._send_pending(server, session.listener) or waiting
        return Owed(due and replace(due, sends_lines=has_counts), waiting)

    async def _context(self, stream: Stream, session: SessionRow, server: Server, has_counts: bool) -> StatementContext:
        spent, _ = await _escrow_state(stream, server.address, session.listener)
        last = self._ledger.voucher(server.address, session.listener)
        payments = self._ledger.payments(server.address, session.listener)
        heard, debited = {}, {}
        for row in payments.values():
            ticket = self._ledger.ticket(row.ticket)
            if ticket is not None:
                heard[row.ticket] = ticket.meter.intervals(ticket.interval_s)
                debited[row.ticket] = self._ledger.debited(row.ticket)
        epoch = stream.network.deployment.schedule.epoch_of(self._clock.now_ms(stream.network, server) // 1000)
        cap, agreed = (last.cap_wei, last.agreed_value) if last else (0, 0)
        if spent > cap:
            # With the ledger lost, what the chain has debited was signed for once.
            cap, agreed = spent, max(agreed, as_value(spent))
        bps = high = stream.facts.bps
        if has_counts:
            # The commission may have risen since the content was opened.
            rates = (stream.network.registry.rate_at(number) for number in (epoch, epoch + 1))
            bps, following = await asyncio.gather(*rates)
            high = max(bps, following)
        return StatementContext(
            domain=stream.network.domain,
            server=server.address,
            payer=session.listener,
            cap=cap,
            agreed=agreed,
            epoch=epoch,
            bps=bps,
            high_bps=high,
            payments=payments,
            heard=heard,
            debited=debited,
        )

    async def pay(self, stream: Stream, signed: Signed[Voucher]) -> str | None:
        """Record a signed voucher, and send it.

        Args:
            stream: The stream of ``owed``.
            signed: Exactly the voucher that ``owed`` returned, signed by the listener key.

        Returns:
            Code of why not everything that it covers is settled yet, or None.

        Raises:
            GomaaError: ``voucher.signature``, ``voucher.cap``; the server's refusal.
        """
        session, server = self._payer(stream)
        due = stream.voucher_due
        if due is None or due.voucher != signed.message or due.payer != session.listener:
            raise Refusal("voucher.cap", reason="not what was asked for")
        require_signer(signed, stream.network.domain, session.listener, "voucher.signature")
        payments = self._ledger.payments(server.address, session.listener)
        with self._ledger.write():
            last = self._ledger.voucher(due.server, due.payer)
            if last is not None and last.cap_wei >= due.cap and last.until_epoch >= due.until:
                raise Refusal("voucher.cap", reason="signed before")
            text = msgspec.json.encode(signed.to_json()).decode()
            self._ledger.set_voucher(
                due.server,
                due.payer,
                VoucherRow(due.cap, due.until, text, False, due.agreed, due.lines if due.sends_lines else {}),
            )
            for number, intervals in due.lines.items():
                self._ledger.raise_vouchered(payments[number].ticket, intervals, due.bps)
        stream.voucher_due = None
        return await self._send_pending(server, session.listener)

    async def _send_pending(self, server: Server, payer: bytes) -> str | None:
        """Send the last voucher, if it is not sent yet; the code of why not all of it is settled, or None."""
        last = self._ledger.voucher(server.address, payer)
        if last is None or last.sent:
            return None
        fields: dict[str, Any] = {"voucher": msgspec.json.decode(last.signed_json)}
        if last.lines:
            fields["lines"] = list(last.lines.items())
        try:
            waiting = (await server.request("voucher", VoucherResult, **fields)).waiting
        except Unavailable:
            raise
        except GomaaError as e:
            # The voucher may have expired, or escrow or epoch have no room.
            if e.code not in _STATED_AGAIN:
                raise
            waiting = e.code
        with self._ledger.write():
            self._ledger.set_voucher_sent(server.address, payer)
        return waiting

    def _payer(self, stream: Stream) -> tuple[SessionRow, Server]:
        if stream.session is None or stream.ticket is None or stream.policy.price.payer != "listener":
            raise InputError("host.message.schema", field="stream", reason="nobody pays here")
        return stream.session, self._servers.of_stream(stream)


async def _escrow_state(stream: Stream, server: bytes, payer: bytes) -> tuple[int, int]:
    """Amount debited by the chain, and escrow that is not requested back; wei."""
    settlement = stream.network.settlement
    spent, escrow = await settlement.account(server, payer)
    return spent, max(0, escrow - await settlement.requested(server, payer))
