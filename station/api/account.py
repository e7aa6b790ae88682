"""The operator's view: ``GET /gomaa/account``."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

from aiohttp import web

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


async def account(request: web.Request) -> web.Response:
    """``GET /gomaa/account``: the operator's view; needs the admin token as a bearer."""
    app = request.app
    config, catalogue, store, moves = app[CONFIG], app[CATALOGUE], app[STORE], app[MOVES].current
    _require_operator(request, config)
    plays, _ = await asyncio.to_thread(store.plays, midnight_ms(), 0)
    servers = sorted(await asyncio.to_thread(app[DIRECTORY].addresses))
    accounts = [await _account(store, app[CHAIN], app[DIRECTORY], app[ADDRESS], server) for server in servers]
    return answer(
        {
            "station": to_hex(app[ADDRESS]),
            "name": config.name,
            "domain": config.domain,
            "plays_today": plays,
            "songs": len(catalogue),
            "problems": dict(catalogue.problems),
            "servers": accounts,
            "moves": None if moves is None else [move.to_json() for move in moves],
        }
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
) -> dict[str, Any]:
    """One server's part of the operator's view; ``problem`` where the chain cannot be read."""
    view: dict[str, Any] = {"server": to_hex(server)}
    voucher = await asyncio.to_thread(store.voucher, server)
    cap = 0 if voucher is None else voucher.cap
    view["signed_wei"] = str(cap)
    view["voucher"] = (
        None
        if voucher is None
        else {"cap_wei": str(voucher.cap), "until": voucher.until, "sent": voucher.sent_ms is not None}
    )
    statements = await asyncio.to_thread(store.statements, server, 10)
    view["statements"] = [
        {
            "time_ms": row.received_ms,
            "epoch": row.epoch,
            "spent_wei": str(row.spent),
            "lines": row.line_count,
            "code": row.code,
            "reason": row.reason,
        }
        for row in statements
    ]
    aside = await asyncio.to_thread(store.quarantine, server, 100)
    view["quarantine"] = [
        {"number": row.number, "time_ms": row.since_ms, "code": row.code, "reason": row.reason} for row in aside
    ]
    try:
        view["url"] = place(await directory.url(server))
        now_s = await chain.now_ms() // 1000
        money = await chain.account(server, address)
        open_tickets, net = await asyncio.to_thread(store.outstanding, server, now_s)
        held = gross(net, await chain.rate(chain.schedule.epoch_of(now_s)))
        unposted = max(0, cap - money.spent)
        view |= {
            "spent_wei": str(money.spent),
            "escrow_wei": str(money.escrow),
            "requested_wei": str(money.requested),
            "unposted_wei": str(unposted),
            "open_tickets": open_tickets,
            "held_wei": str(held),
            "usable_wei": str(max(0, money.escrow - money.requested - unposted - held)),
        }
    except GomaaError as error:
        view["problem"] = error.to_json()
    return view
