"""The security servers' HTTP, as a station uses it (docs/protocol.md section 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from pywallet.errors import SENTENCES, GomaaError, InputError, Unavailable
from pywallet.hexes import from_hex, to_hex
from pywallet.messages import Signed, Statement, StatementLine, Voucher
from pywallet.platform import keccak256, sign

MAX_ANSWER = 4 << 20
"""Bytes of the longest answer that is read."""


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """A statement as received, nothing of it believed yet."""

    statement: Signed[Statement]
    lines: tuple[StatementLine, ...]


class Servers:
    """A client for any number of servers. Raises Unavailable(server.unreachable) or the code a server answered."""

    def __init__(self, session: aiohttp.ClientSession, timeout_s: float = 5.0) -> None:
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def usable(self, url: str, payer: bytes) -> int:
        """Wei of the payer's escrow that the server still counts as free."""
        answer = await self._json("GET", f"{url}/v1/accounts/{to_hex(payer)}")
        return _amount(answer, "usable_wei")

    async def statement(self, url: str, server: bytes, payer: bytes, key: bytes, time_s: int) -> ServerAnswer:
        """What the server says this payer has spent; the request is signed with the payer's key."""
        digest = keccak256(b"gomaa/1 statement" + server + time_s.to_bytes(8, "big"))
        body = {"payer": to_hex(payer), "time_s": time_s, "signature": to_hex(sign(key, digest))}
        answer = await self._json("POST", f"{url}/v1/statements", body)
        lines = answer.get("lines")
        if not isinstance(lines, list):
            raise InputError("message.schema", field="lines")
        return ServerAnswer(Signed.from_json(Statement, answer.get("statement")), tuple(_line(line) for line in lines))

    async def voucher(self, url: str, voucher: Signed[Voucher]) -> int:
        """Hand a voucher over; how many receipts it freed."""
        answer = await self._json("POST", f"{url}/v1/vouchers", {"voucher": voucher.to_json()})
        return _number(answer, "receipts", 1 << 32)

    async def _json(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            async with self._session.request(method, url, json=body, timeout=self._timeout, allow_redirects=False) as response:
                raw = bytearray()
                async for chunk in response.content.iter_chunked(1 << 16):
                    raw += chunk
                    if len(raw) > MAX_ANSWER:
                        raise ValueError("the answer is too long")
                answer = json.loads(raw)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable("server.unreachable", url=url, reason=type(error).__name__) from error
        if not isinstance(answer, dict):
            raise Unavailable("server.unreachable", url=url, reason="not a JSON object")
        if status >= 400:
            said = answer.get("error")
            code = said.get("code") if isinstance(said, dict) else None
            if not isinstance(code, str) or code not in SENTENCES:
                raise Unavailable("server.unreachable", url=url, status=status)
            raise GomaaError(code, url=url)
        return answer


def _number(value: Mapping[str, Any], name: str, end: int) -> int:
    number = value.get(name)
    if isinstance(number, str) and number.isascii() and number.isdigit():
        number = int(number) if len(number) <= 40 else None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < end:
        raise InputError("message.schema", field=name)
    return number


def _amount(value: Mapping[str, Any], name: str) -> int:
    return _number(value, name, 1 << 128)


def _bytes(value: Mapping[str, Any], name: str, length: int) -> bytes:
    text = value.get(name)
    if not isinstance(text, str):
        raise InputError("message.schema", field=name)
    return from_hex(text, length)


def _line(value: Any) -> StatementLine:
    if not isinstance(value, Mapping):
        raise InputError("message.schema", field="lines")
    return StatementLine(
        number=_number(value, "number", 1 << 32),
        content=_bytes(value, "content", 20),
        session=_bytes(value, "session", 32),
        intervals=_number(value, "intervals", 1 << 32),
        price=_amount(value, "price"),
        reward=_amount(value, "reward"),
    )
