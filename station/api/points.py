"""Points and passes over HTTP. Each request is signed with the key that the listener has for this station."""

from __future__ import annotations

import base64
import json

import msgspec
from aiohttp import web

from messages.station_http import PointsPost, SignedPassResult
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.rewards import SignedPass
from pywallet.rewards.points_request import PointsRequest
from station.api.responses import answer, body
from station.chain_interface import ChainView
from station.rewards.loyalty import Loyalty

COOKIE = "gomaa_pass"
"""Cookie with the ad-free pass that this browser uses."""


class PointsApi:
    """``GET`` and ``POST /gomaa/points``: a ``PointsPost``.

    Args:
        address: The station's address, 20 bytes.
        domain: Its domain, which the listener signs with the request.
        chain: For the time.
        loyalty: Points and passes.
    """

    def __init__(self, address: bytes, domain: str, chain: ChainView, loyalty: Loyalty) -> None:
        self._address = address
        self._domain = domain
        self._chain = chain
        self._loyalty = loyalty

    async def answer(self, request: web.Request) -> web.Response:
        """Carry out the command; the result is the listener's account afterwards.

        Raises:
            InputError: ``message.schema``.
            Refusal: ``invocation.time``, ``session.signature``, ``ticket.expired``, ``station.points``.
        """
        command = await body(request, PointsPost)
        now_ms = await self._chain.now_ms()
        signed = PointsRequest(self._address, self._domain, command.time_s, command.what)
        listener = signed.listener(from_hex(command.signature, 65), now_ms // 1000)
        await self._loyalty.award_points(now_ms)
        changed = await self._execute(listener, command.what.split(" "), now_ms)
        account = await self._loyalty.account(listener)
        return answer(msgspec.structs.replace(account, **changed))

    async def _execute(self, listener: bytes, words: list[str], now_ms: int) -> dict[str, SignedPassResult]:
        """Carry out a command; returns the field of the result that it adds."""
        match words:
            case ["look"]:
                return {}
            case ["buy", name, balance] if balance.isdecimal() and balance.isascii():
                return {"bought": _signed_pass(await self._loyalty.buy(listener, name, int(balance), now_ms))}
            case ["redeem", serial] if serial.isdecimal() and serial.isascii() and len(serial) < 19:
                return {"redeemed": _signed_pass(await self._loyalty.redeem(listener, int(serial), now_ms))}
        raise InputError("message.schema", field="what")


def _signed_pass(signed: SignedPass) -> SignedPassResult:
    return SignedPassResult(**signed.to_json())


class AdFreePasses:
    """Ad-free passes in a browser's cookie.

    Args:
        address: The station's address, 20 bytes.
        sponsor: The line of advertising, or None.
        secure: Whether the cookie is for https only.
        chain: For the time.
        loyalty: Whether a pass is in use.
    """

    def __init__(self, address: bytes, sponsor: str | None, secure: bool, chain: ChainView, loyalty: Loyalty) -> None:
        self._address = address
        self._sponsor = sponsor
        self._secure = secure
        self._chain = chain
        self._loyalty = loyalty

    async def use(self, request: web.Request) -> web.Response:
        """``GET /gomaa/ad-free?pass=…``: show no advertising in this browser until the pass ends.

        The listener's own choice: it shows the station which listener this browser is.

        Raises:
            InputError: ``message.schema``.
            Refusal: ``ticket.signature``, ``ticket.expired``, ``ticket.missing``.
        """
        text = request.query.get("pass", "")
        signed = _decode(text)
        now_ms = await self._chain.now_ms()
        if not await self._in_use(signed, now_ms):
            raise Refusal("ticket.missing", reason="pass")
        response = web.Response(status=302, headers={"Location": "/"})
        left_s = signed.message.not_after - now_ms // 1000
        response.set_cookie(COOKIE, text, max_age=left_s, httponly=True, samesite="Lax", secure=self._secure)
        return response

    async def sponsor(self, request: web.Request) -> str | None:
        """The line of advertising for this request; None with an ad-free pass that is in use."""
        text = request.cookies.get(COOKIE)
        if self._sponsor is None or text is None:
            return self._sponsor
        try:
            in_use = await self._in_use(_decode(text), await self._chain.now_ms())
        except GomaaError:
            return self._sponsor
        return None if in_use else self._sponsor

    async def _in_use(self, signed: SignedPass, now_ms: int) -> bool:
        """Whether a pass of this station is in use; raises Refusal where it is not valid."""
        holder = signed.message.holder
        signed.require(self._address, holder, now_ms // 1000)
        return await self._loyalty.free_of_ads(holder, now_ms)


def _decode(text: str) -> SignedPass:
    try:
        return SignedPass.from_json(json.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))))
    except (ValueError, RecursionError):
        raise InputError("message.schema", field="pass") from None
