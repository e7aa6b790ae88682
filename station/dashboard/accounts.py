"""A station's account with each security server, as its operator sees it."""

from __future__ import annotations

import asyncio

import msgspec

from messages.station_account import QuarantinedLine, ReceivedStatement, ServerAccount, SignedVoucher
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.redaction import place
from pywallet.settlement import gross
from station.chain_interface import ChainView
from station.db.ledger import Store
from station.payments.directory import ServerDirectory


async def server_account(
    store: Store, chain: ChainView, directory: ServerDirectory, address: bytes, server: bytes
) -> ServerAccount:
    """One server's part of the operator's view; ``problem`` where the chain cannot be read."""
    voucher = await asyncio.to_thread(store.voucher, server)
    cap = 0 if voucher is None else voucher.cap
    statements = await asyncio.to_thread(store.statements, server, 10)
    aside = await asyncio.to_thread(store.quarantine, server, 100)
    view = ServerAccount(
        server=to_hex(server),
        signed_wei=str(cap),
        voucher=None
        if voucher is None
        else SignedVoucher(str(voucher.cap), voucher.until, sent=voucher.sent_ms is not None),
        statements=[
            ReceivedStatement(row.received_ms, row.epoch, str(row.spent), row.line_count, row.code, row.reason)
            for row in statements
        ],
        quarantine=[QuarantinedLine(row.number, row.since_ms, row.code, row.reason) for row in aside],
    )
    try:
        view = msgspec.structs.replace(view, url=place(await directory.url(server)))
        now_s = await chain.now_ms() // 1000
        money = await chain.account(server, address)
        open_tickets, net = await asyncio.to_thread(store.outstanding, server, now_s)
        held = gross(net, await chain.rate(chain.schedule.epoch_of(now_s)))
    except GomaaError as error:
        return msgspec.structs.replace(view, problem=error.to_json())
    unposted = max(0, cap - money.spent)
    return msgspec.structs.replace(
        view,
        spent_wei=str(money.spent),
        escrow_wei=str(money.escrow),
        requested_wei=str(money.requested),
        unposted_wei=str(unposted),
        open_tickets=open_tickets,
        held_wei=str(held),
        usable_wei=str(max(0, money.escrow - money.requested - unposted - held)),
    )
