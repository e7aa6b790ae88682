"""Routes for a listener's extension: tickets and points."""

from __future__ import annotations

from aiohttp import web

from common.http_limits import GATE
from messages.station_http import TicketRequest, TicketResult
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError
from pywallet.protocol import Session, Signed
from station.api.keys import AD_FREE, FIGURES, ISSUER, LIMITER, POINTS
from station.api.responses import answer, body


async def ticket(request: web.Request) -> web.Response:
    """``GET`` and ``POST /gomaa/tickets``: a signed ticket for one play.

    Raises:
        InputError: ``message.schema``.
        Refusal: As ``TicketIssuer.issue``.
    """
    request.app[LIMITER].take(request.app[GATE].address(request))
    asked = await body(request, TicketRequest)
    session = Signed.from_json(Session, asked.session)
    try:
        signed = await request.app[ISSUER].issue(session, from_hex(asked.content, 20))
    except GomaaError as error:
        request.app[FIGURES].note_refusal(error.code)
        raise
    return answer(TicketResult(signed.to_json()))


async def points(request: web.Request) -> web.Response:
    """``GET`` and ``POST /gomaa/points``: a listener's points and passes."""
    request.app[LIMITER].take(request.app[GATE].address(request))
    return await request.app[POINTS].answer(request)


async def ad_free(request: web.Request) -> web.Response:
    """``GET /gomaa/ad-free?pass=…``: use an ad-free pass in this browser."""
    return await request.app[AD_FREE].use(request)
