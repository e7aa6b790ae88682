"""HTTP client of security servers (docs/protocol.md section 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from pywallet.crypto import sign
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import InputError, Unavailable
from pywallet.protocol import (
    SettledLine,
    Signed,
    Statement,
    StatementLine,
    Ticket,
    Voucher,
    statement_digest,
)
from pywallet.protocol.foreign_errors import code_from, error_from
from pywallet.rules.statement_check import ReceivedStatement as ServerAnswer

__all__ = ["Acknowledgement", "ServerAnswer", "ServerBooks", "Servers", "ShownTicket", "Taken"]

MAX_RESPONSE = 4 << 20
"""Bytes of the longest response."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A server's acknowledgement of settlement, not verified yet; ``text`` is its JSON as received."""

    statement: Signed[Statement]
    lines: tuple[SettledLine, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A server's response to a voucher.

    Attributes:
        receipts: Receipts issued for it.
        waiting: Code of why not all of it is settled, or None.
        settled: The acknowledgement; None from an older server.
    """

    receipts: int
    waiting: str | None
    settled: Acknowledgement | None


@dataclass(frozen=True, slots=True)
class ShownTicket:
    """A ticket of this station, and the length of its interval as the server states it, s."""

    ticket: Signed[Ticket]
    interval_s: int


@dataclass(frozen=True, slots=True)
class ServerBooks:
    """A server's state about this station, not verified yet."""

    voucher: Signed[Voucher] | None
    settled: Acknowledgement
    tickets: tuple[ShownTicket, ...]
    last_number: int


class Servers:
    """Client for any number of servers.

    Methods raise Unavailable ``server.unreachable``, InputError ``message.schema``, or the error code of the response.

    Args:
        session: HTTP session.
        timeout_s: Limit for one request, s.
    """

    def __init__(self, session: aiohttp.ClientSession, timeout_s: float = 5.0) -> None:
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def usable(self, url: str, server: bytes, payer: bytes, key: bytes, time_s: int) -> int:
        """Escrow of the payer that the server counts as free, wei. Arguments as of ``statement``."""
        answer = await self._json("POST", f"{url}/v1/accounts", _signed_request(server, payer, key, time_s))
        return _amount(answer, "usable_wei")

    async def statement(
        self, url: str, server: bytes, payer: bytes, key: bytes, time_s: int, disputed: Sequence[int] = ()
    ) -> ServerAnswer:
        """Fetch the server's statement for this payer; the request is signed with the payer's key.

        Args:
            url: The server's URL.
            server: Its address, 20 bytes.
            payer: This station's address, 20 bytes.
            key: This station's private key, 32 bytes.
            time_s: The chain's time, Unix s.
            disputed: Ticket numbers that are not agreed to; the server states them last.
        """
        body: dict[str, Any] = _signed_request(server, payer, key, time_s)
        if disputed:
            body["disputed"] = list(disputed)
        answer = await self._json("POST", f"{url}/v1/statements", body)
        lines = answer.get("lines")
        if not isinstance(lines, list):
            raise InputError("message.schema", field="lines")
        statement, read = Signed.from_json(Statement, answer.get("statement")), tuple(_line(line) for line in lines)
        if "settled_wei" not in answer:
            return ServerAnswer(statement, read)
        counts = {line.number: _number(raw, "settled", 1 << 32) for line, raw in zip(read, lines, strict=True)}
        settled, net = _amount(answer, "settled_wei"), _amount(answer, "net_wei")
        return ServerAnswer(statement, read, counts, settled, net, _code(answer))

    async def voucher(
        self, url: str, voucher: Signed[Voucher], key: bytes, time_s: int, lines: Mapping[int, int] | None = None
    ) -> Taken:
        """Send a voucher.

        Args:
            url: The server's URL.
            voucher: The signed voucher.
            key: This station's private key, 32 bytes; the acknowledgement needs a signed request.
            time_s: The chain's time, Unix s.
            lines: Ticket number to whole intervals; None for a server without counts.
        """
        signed = _signed_request(voucher.message.server, voucher.message.payer, key, time_s)
        body: dict[str, Any] = {
            "voucher": voucher.to_json(),
            "time_s": signed["time_s"],
            "signature": signed["signature"],
        }
        if lines is not None:
            body["lines"] = [[number, intervals] for number, intervals in lines.items()]
        answer = await self._json("POST", f"{url}/v1/vouchers", body)
        settled = answer.get("settled")
        return Taken(
            _number(answer, "receipts", 1 << 32), _code(answer), None if settled is None else _acknowledgement(settled)
        )

    async def books(
        self,
        url: str,
        server: bytes,
        payer: bytes,
        key: bytes,
        time_s: int,
        voucher: str | None,
        settled: Sequence[str],
    ) -> ServerBooks:
        """Exchange signed messages with a server, for resynchronisation.

        Args:
            url: The server's URL.
            server: Its address, 20 bytes.
            payer: This station's address, 20 bytes.
            key: This station's private key, 32 bytes.
            time_s: The chain's time, Unix s.
            voucher: This station's last voucher as JSON, or None.
            settled: Acknowledgements that the server has signed, as JSON.

        Returns:
            The server's state, not verified yet.
        """
        shown = {
            "voucher": None if voucher is None else json.loads(voucher),
            "settled": [json.loads(text) for text in settled],
        }
        answer = await self._json("POST", f"{url}/v1/books", {**_signed_request(server, payer, key, time_s), **shown})
        tickets, last = answer.get("tickets"), answer.get("voucher")
        if not isinstance(tickets, list) or not all(isinstance(raw, Mapping) for raw in tickets):
            raise InputError("message.schema", field="tickets")
        read = tuple(
            ShownTicket(Signed.from_json(Ticket, raw.get("ticket")), _number(raw, "interval_s", 1 << 32))
            for raw in tickets
        )
        return ServerBooks(
            None if last is None else Signed.from_json(Voucher, last),
            _acknowledgement(answer.get("settled")),
            read,
            _number(answer, "last_number", 1 << 32),
        )

    async def _json(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            async with self._session.request(
                method, url, json=body, timeout=self._timeout, allow_redirects=False
            ) as response:
                raw = bytearray()
                async for chunk in response.content.iter_chunked(1 << 16):
                    raw += chunk
                    if len(raw) > MAX_RESPONSE:
                        raise ValueError("the answer is too long")
                answer = json.loads(raw)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            raise Unavailable("server.unreachable", url=url, reason=type(error).__name__) from error
        if not isinstance(answer, dict):
            raise Unavailable("server.unreachable", url=url, reason="not a JSON object")
        if status >= 400:
            if answer.get("error") is None:
                raise Unavailable("server.unreachable", url=url, status=status)
            raise error_from("server", answer["error"], url=url, status=status)
        return answer


def _signed_request(server: bytes, payer: bytes, key: bytes, time_s: int) -> dict[str, Any]:
    signature = to_hex(sign(key, statement_digest(server, time_s)))
    return {"payer": to_hex(payer), "time_s": time_s, "signature": signature}


def _code(answer: Mapping[str, Any]) -> str | None:
    """The code in ``waiting``, if it is a known one."""
    waiting = answer.get("waiting")
    return None if waiting is None else code_from("server", waiting)


def _acknowledgement(value: Any) -> Acknowledgement:
    rows = value.get("lines") if isinstance(value, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 3 for row in rows):
        raise InputError("message.schema", field="settled")
    names = ("number", "epoch", "intervals")
    fields = [dict(zip(names, row, strict=True)) for row in rows]
    lines = tuple(SettledLine(*(_number(row, name, 1 << 53) for name in names)) for row in fields)
    return Acknowledgement(Signed.from_json(Statement, value.get("statement")), lines, json.dumps(value))


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
