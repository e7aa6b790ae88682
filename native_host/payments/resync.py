"""Resynchronisation of a ledger with a server's account of the same listener (docs/protocol.md, Resynchronisation)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from messages.settlement import AcknowledgementResult, BooksResult
from native_host.ledger import Ledger, SessionRow
from native_host.ledger.voucher_store import PaymentRow, VoucherRow
from native_host.playback.stream import Stream
from native_host.remote.server import Server
from pywallet.crypto import keccak256
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, Refusal, Unavailable
from pywallet.protocol import (
    Session,
    SettledLine,
    Signed,
    Statement,
    Voucher,
    digest,
    require_signer,
    settled_lines_hash,
)
from pywallet.rules.statement_check import as_value

LOST_PLAYS: Final = 2
LOST_INTERVALS: Final = 2
"""Most lost plays that are paid, and most intervals of each: a server releases no more without a voucher."""


async def resynchronise(ledger: Ledger, stream: Stream, session: SessionRow, server: Server) -> bool:
    """Take over what the listener's key has signed on another computer, or before the ledger was lost.

    Args:
        ledger: Records it.
        stream: The stream of the session.
        session: A session of the listener.
        server: Its server.

    Returns:
        True if the ledger has changed, so that the statement may match now.

    Raises:
        Unavailable: ``chain.unreachable``.
    """
    try:
        last = ledger.voucher(server.address, session.listener)
        fields: dict[str, Any] = {} if last is None else {"voucher": msgspec.json.decode(last.signed_json)}
        answer = await server.request("books", dict, session=to_hex(session.id), **fields)
        return await _apply(ledger, stream, session, server, msgspec.convert(answer, BooksResult))
    except Unavailable:
        raise
    except (GomaaError, msgspec.ValidationError):
        # An older server, or a result that it has not signed.
        return False


async def _apply(ledger: Ledger, stream: Stream, session: SessionRow, server: Server, answer: BooksResult) -> bool:
    domain, payer = stream.network.domain, session.listener
    settled, counts = _acknowledged(answer.settled, stream, server.address, payer)
    last = ledger.voucher(server.address, payer)
    highest = last.cap_wei if last else 0
    spent, _ = await stream.network.settlement.account(server.address, payer)
    covered, shown = max(highest, spent), None
    if answer.voucher is not None:
        signed = Signed.from_json(Voucher, answer.voucher)
        require_signer(signed, domain, payer, "voucher.signature")
        message = signed.message
        if (message.server, message.payer) == (server.address, payer) and message.cap > highest:
            shown, covered = signed, max(covered, message.cap)
    recorded = ledger.payments(server.address, payer)
    behind = covered > highest and settled.spent <= covered
    lost = await _lost(stream, session, answer, counts, recorded)
    with ledger.write():
        for row in lost:
            ledger.add_payment(row)
        if behind:
            for number, row in recorded.items():
                if number in counts:
                    ledger.set_vouchered(row.ticket, counts[number])
            voucher = shown.message if shown is not None else None
            text = (
                msgspec.json.encode(shown.to_json()).decode() if shown is not None else last.signed_json if last else ""
            )
            until = voucher.until if voucher is not None else last.until_epoch if last else 0
            agreed = as_value(settled.spent)
            if text:
                ledger.set_voucher(server.address, payer, VoucherRow(covered, until, text, True, agreed, {}))
    return behind or bool(lost)


def _acknowledged(
    raw: AcknowledgementResult, stream: Stream, server: bytes, payer: bytes
) -> tuple[Statement, dict[int, int]]:
    """The server's acknowledgement, and settled intervals by ticket number. Raises Refusal ``listener.statement``."""
    signed = Signed.from_json(Statement, raw.statement)
    lines = [SettledLine(*line) for line in raw.lines]
    require_signer(signed, stream.network.domain, server, "listener.statement")
    if (signed.message.server, signed.message.payer, signed.message.lines) != (
        server,
        payer,
        settled_lines_hash(lines),
    ):
        raise Refusal("listener.statement", reason="acknowledgement")
    counts: dict[int, int] = {}
    for line in lines:
        counts[line.number] = counts.get(line.number, 0) + line.intervals
    return signed.message, counts


async def _lost(
    stream: Stream, session: SessionRow, answer: BooksResult, counts: dict[int, int], recorded: dict[int, PaymentRow]
) -> list[PaymentRow]:
    """Plays that the ledger does not have, in sessions signed by this listener, at the chain's price."""
    sessions_here = {row.session for row in recorded.values() if not row.lost_intervals}
    left = LOST_PLAYS - sum(row.lost_intervals > 0 for row in recorded.values())
    found: list[PaymentRow] = []
    for entry in answer.lost:
        number, signed = entry.number, Signed.from_json(Session, entry.session)
        require_signer(signed, stream.network.domain, session.listener, "session.signature")
        identity = digest(signed.message, stream.network.domain)
        content, settled, intervals = from_hex(entry.content, 20), counts.get(number, 0), entry.intervals
        if len(found) >= left or number in recorded or identity in sessions_here:
            continue
        if not 0 < intervals - settled <= LOST_INTERVALS:
            continue
        state = (
            await stream.network.content(content).state() if await stream.network.registry.is_content(content) else None
        )
        if state is None:
            continue
        found.append(
            PaymentRow(
                ticket=keccak256(b"gomaa/1 lost" + identity + number.to_bytes(4, "big")),
                server=stream.header.server.address,
                payer=session.listener,
                station_address=signed.message.station,
                station_domain=stream.facts.station.domain if stream.facts.station else "",
                chain_id=stream.header.chain,
                ticket_number=number,
                session=identity,
                content=content,
                price_wei=state.price,
                bps=stream.facts.bps,
                vouchered_intervals=settled,
                lost_intervals=intervals,
            )
        )
    return found
