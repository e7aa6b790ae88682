"""The operator's view: ``GET /gomaa/account``."""

from __future__ import annotations

import asyncio
import hmac

import msgspec
from aiohttp import web

from messages.station_account import (
    ContentMove,
    QuarantinedLine,
    ReceivedStatement,
    ServerAccount,
    SignedVoucher,
    StationAccountResult,
)
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Refusal
from pywallet.redaction import place
from pywallet.settlement import gross
from station.api.keys import ADDRESS, CATALOGUE, CHAIN, CONFIG, DIRECTORY, MOVES, STORE
from station.api.responses import answer
from station.chain_interface import ChainView
from station.config import StationConfig
from station.db.ledger import Store
from station.pages.views import midnight_ms
from station.payments.directory import ServerDirectory
from station.tickets.content_moves import Move


async def account(request: web.Request) -> web.Response:
    """``GET /gomaa/account``: the operator's view; needs the admin token as a bearer."""
    app = request.app
    config, catalogue, store, moves = app[CONFIG], app[CATALOGUE], app[STORE], app[MOVES].current
    _require_operator(request, config)
    plays, _ = await asyncio.to_thread(store.plays, midnight_ms(), 0)
    servers = sorted(await asyncio.to_thread(app[DIRECTORY].addresses))
    accounts = [await _account(store, app[CHAIN], app[DIRECTORY], app[ADDRESS], server) for server in servers]
    return answer(
        StationAccountResult(
            station=to_hex(app[ADDRESS]),
            name=config.name,
            domain=config.domain,
            plays_today=plays,
            songs=len(catalogue),
            problems=dict(catalogue.problems),
            servers=accounts,
            moves=None if moves is None else [_move(move) for move in moves],
        )
    )


def _move(move: Move) -> ContentMove:
    return ContentMove(
        content=to_hex(move.song.content),
        title=move.song.title,
        server=to_hex(move.server),
        from_epoch=move.from_epoch,
        from_s=move.from_s,
        escrow_wei=str(move.escrow_wei),
        escrow_needed=move.escrow_wei == 0,
    )


def _require_operator(request: web.Request, config: StationConfig) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        expected = config.admin_token_file.read_text(encoding="utf-8").strip() if config.admin_token_file else ""
    except OSError:
        expected = ""
    if scheme.lower() != "bearer" or not expected or not hmac.compare_digest(token.strip().encode(), expected.encode()):
        raise Refusal("message.denied")


async def _account(
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
