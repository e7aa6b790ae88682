"""The routes of points.

What a listener has, buys and redeems, each asked for with a signature of the listener's own key here.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.rewards import SignedPass
from pywallet.rewards.points_request import PointsRequest
from station.api.responses import answer, body
from station.context import Station


class PointsDesk:
    """``POST /gomaa/points``: {time_s, what, signature}.

    ``what`` is ``look``, ``buy NAME BALANCE`` or ``redeem SERIAL``.
    """

    def __init__(self, station: Station) -> None:
        self._station = station

    async def answer(self, request: web.Request) -> web.Response:
        """The listener's account after what was asked for.

        Raises:
            InputError: ``message.schema``.
            Refusal: ``invocation.time``, ``session.signature``, ``ticket.expired``, ``station.points``.
        """
        value = await body(request)
        time_s, what, signature = value.get("time_s"), value.get("what"), value.get("signature")
        if type(time_s) is not int or not 0 <= time_s < 1 << 53 or not isinstance(what, str) or len(what) > 100:
            raise InputError("message.schema", field="points")
        if not isinstance(signature, str):
            raise InputError("message.schema", field="signature")
        station = self._station
        now_ms = await station.chain.now_ms()
        listener = PointsRequest(station.address, station.config.domain, time_s, what).listener(
            from_hex(signature, 65), now_ms // 1000
        )
        await station.loyalty.feed(now_ms)
        done = await self._do(listener, what.split(" "), now_ms)
        return answer({**await station.loyalty.account(listener), **done})

    async def _do(self, listener: bytes, words: list[str], now_ms: int) -> dict[str, Any]:
        loyalty = self._station.loyalty
        match words:
            case ["look"]:
                return {}
            case ["buy", name, balance] if balance.isdecimal() and balance.isascii():
                return {"bought": (await loyalty.buy(listener, name, int(balance), now_ms)).to_json()}
            case ["redeem", serial] if serial.isdecimal() and serial.isascii() and len(serial) < 19:
                return {"redeemed": await loyalty.redeem(listener, int(serial), now_ms)}
        raise InputError("message.schema", field="what")


COOKIE = "gomaa_pass"


async def use_ad_free(request: web.Request, station: Station) -> web.Response:
    """``GET /gomaa/ad-free?pass=…``: this browser shows the station's pages without advertising until the pass ends.

    The fan's own choice: it tells the station which listener this browser is. Raises InputError, Refusal.
    """
    text = request.query.get("pass", "")
    signed = _read(text)
    now_ms = await station.chain.now_ms()
    signed.require(station.address, signed.message.holder, now_ms // 1000)
    if not await station.loyalty.free_of_ads(signed.message.holder, now_ms):
        raise Refusal("ticket.missing", reason="pass")
    response = web.Response(status=302, headers={"Location": "/"})
    left = signed.message.not_after - now_ms // 1000
    response.set_cookie(
        COOKIE, text, max_age=left, httponly=True, samesite="Lax", secure=station.config.origin.startswith("https")
    )
    return response


async def sponsor(request: web.Request, station: Station) -> str | None:
    """The line of advertising this visitor sees: none with an ad-free pass that is in use."""
    text = request.cookies.get(COOKIE)
    if station.config.sponsor is None or text is None:
        return station.config.sponsor
    try:
        now_ms = await station.chain.now_ms()
        signed = _read(text)
        signed.require(station.address, signed.message.holder, now_ms // 1000)
        free = await station.loyalty.free_of_ads(signed.message.holder, now_ms)
    except GomaaError:
        return station.config.sponsor
    return None if free else station.config.sponsor


def _read(text: str) -> SignedPass:
    try:
        return SignedPass.from_json(json.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))))
    except (ValueError, RecursionError):
        raise InputError("message.schema", field="pass") from None
