"""Routes that a listener's extension asks: tickets and points."""

from __future__ import annotations

from aiohttp import web

from common.http_limits import GATE
from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError
from pywallet.protocol import Session, Signed
from station.api.keys import AD_FREE, ISSUER, LIMITER, POINTS
from station.api.responses import answer, body


async def ticket(request: web.Request) -> web.Response:
    """``GET`` and ``POST /gomaa/tickets``: a signed ticket for one play.

    Raises:
        InputError: ``message.schema``.
        Refusal: As ``TicketIssuer.issue``.
    """
    request.app[LIMITER].take(request.app[GATE].address(request))
    value = await body(request)
    session = Signed.from_json(Session, value.get("session"))
    content = value.get("content")
    if not isinstance(content, str):
        raise InputError("message.schema", field="content")
    signed = await request.app[ISSUER].issue(session, from_hex(content, 20))
    return answer({"ticket": signed.to_json()})


async def points(request: web.Request) -> web.Response:
    """``GET`` and ``POST /gomaa/points``: a listener's points and passes."""
    request.app[LIMITER].take(request.app[GATE].address(request))
    return await request.app[POINTS].answer(request)


async def ad_free(request: web.Request) -> web.Response:
    """``GET /gomaa/ad-free?pass=…``: use an ad-free pass in this browser."""
    return await request.app[AD_FREE].use(request)
