"""The operator's view: ``GET /gomaa/account``."""

from __future__ import annotations

import asyncio

from aiohttp import web

from messages.station_account import (
    ContentMove,
    StationAccountResult,
)
from pywallet.encoding.hex import to_hex
from pywallet.errors import Refusal
from station.api.keys import ADDRESS, CATALOGUE, CHAIN, CONFIG, DIRECTORY, MOVES, STORE
from station.api.responses import answer
from station.config import StationConfig
from station.dashboard.accounts import server_account
from station.dashboard.sign_in import is_admin_token
from station.pages.views import midnight_ms
from station.tickets.content_moves import Move


async def account(request: web.Request) -> web.Response:
    """``GET /gomaa/account``: the operator's view; needs the admin token as a bearer."""
    app = request.app
    config, catalogue, store, moves = app[CONFIG], app[CATALOGUE], app[STORE], app[MOVES].current
    _require_operator(request, config)
    plays, _ = await asyncio.to_thread(store.plays, midnight_ms(), 0)
    servers = sorted(await asyncio.to_thread(app[DIRECTORY].addresses))
    accounts = [await server_account(store, app[CHAIN], app[DIRECTORY], app[ADDRESS], server) for server in servers]
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
    if scheme.lower() != "bearer" or not is_admin_token(config.admin_token_file, token):
        raise Refusal("message.denied")
