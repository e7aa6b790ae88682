"""HTTP client of security servers (docs/protocol.md section 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from messages.server_http import AccountRequest, AccountResult, BooksRequest, StatementRequest, VoucherPost
from messages.settlement import (
    AcknowledgementResult,
    BooksResult,
    StatementLineResult,
    StatementResult,
    VoucherResult,
)
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
from pywallet.protocol.structs import Message as MessageStruct
from pywallet.rules.statement_check import ReceivedStatement as ServerAnswer

__all__ = ["Acknowledgement", "ServerAnswer", "ServerBooks", "Servers", "ShownTicket", "VoucherAnswer"]

S = TypeVar("S", bound=Struct)
M = TypeVar("M", bound=MessageStruct)

MAX_RESPONSE = 4 << 20
"""Bytes of the longest response."""
MAX_EPOCH_DATA = 64 << 20
"""Bytes of the longest published data that a station reads: two million plays."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A server's acknowledgement of settlement, not verified yet; ``text`` is its JSON as received."""

    statement: Signed[Statement]
    lines: tuple[SettledLine, ...]
    text: str


@dataclass(frozen=True, slots=True)
class VoucherAnswer:
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

    Methods raise Unavailable: ``server.unreachable``, ``server.answer`` (it does not fit its schema); or the error code
    of the response.

    Args:
        session: HTTP session.
        timeout_s: Limit for one request, s.
    """

    def __init__(self, session: aiohttp.ClientSession, timeout_s: float = 5.0) -> None:
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def usable(self, url: str, server: bytes, payer: bytes, key: bytes, time_s: int) -> int:
        """Escrow of the payer that the server counts as free, wei. Arguments as of ``statement``."""
        request = AccountRequest(to_hex(payer), time_s, _signature(server, key, time_s))
        return _amount((await self._post(f"{url}/v1/accounts", request, AccountResult)).usable_wei)

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
        request = StatementRequest(to_hex(payer), time_s, _signature(server, key, time_s), list(disputed))
        result = await self._post(f"{url}/v1/statements", request, StatementResult)
        statement, lines = _signed(Statement, result.statement), tuple(_line(line) for line in result.lines)
        if result.settled_wei is None:
            return ServerAnswer(statement, lines)
        counts = {line.number: line.settled for line in result.lines if line.settled is not None}
        if len(counts) != len(lines) or result.net_wei is None:
            raise Unavailable("server.answer", url=url)
        settled, net = _amount(result.settled_wei), _amount(result.net_wei)
        return ServerAnswer(statement, lines, counts, settled, net, _code(result.waiting))

    async def voucher(
        self, url: str, voucher: Signed[Voucher], key: bytes, time_s: int, lines: Mapping[int, int] | None = None
    ) -> VoucherAnswer:
        """Send a voucher.

        Args:
            url: The server's URL.
            voucher: The signed voucher.
            key: This station's private key, 32 bytes; the acknowledgement needs a signed request.
            time_s: The chain's time, Unix s.
            lines: Ticket number to whole intervals; None for a server without counts.
        """
        signature = _signature(voucher.message.server, key, time_s)
        agreed = None if lines is None else list(lines.items())
        request = VoucherPost(voucher.to_json(), agreed, time_s, signature)
        result = await self._post(f"{url}/v1/vouchers", request, VoucherResult)
        settled = None if result.settled is None else _acknowledgement(result.settled)
        return VoucherAnswer(result.receipts, _code(result.waiting), settled)

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
        request = BooksRequest(
            to_hex(payer),
            time_s,
            _signature(server, key, time_s),
            None if voucher is None else json.loads(voucher),
            [json.loads(text) for text in settled],
        )
        result = await self._post(f"{url}/v1/books", request, BooksResult)
        return ServerBooks(
            None if result.voucher is None else _signed(Voucher, result.voucher),
            _acknowledgement(result.settled),
            tuple(ShownTicket(_signed(Ticket, entry.ticket), entry.interval_s) for entry in result.tickets),
            result.last_number,
        )

    async def epoch_data(self, url: str, epoch: int) -> bytes:
        """The server's published data of an epoch, at most ``MAX_EPOCH_DATA`` bytes; not verified yet."""
        where = f"{url}/v1/epochs/{epoch}/data"
        try:
            async with self._session.get(where, timeout=self._timeout, allow_redirects=False) as response:
                if response.status != 200:
                    raise Unavailable("server.answer", url=url, status=response.status)
                return await _limited(response, MAX_EPOCH_DATA)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable("server.unreachable", url=url, reason=type(error).__name__) from error

    async def _post(self, url: str, request: Struct, kind: type[S]) -> S:
        answer = await self._json("POST", url, msgspec.to_builtins(request))
        try:
            return msgspec.convert(answer, kind)
        except msgspec.ValidationError:
            raise Unavailable("server.answer", url=url) from None

    async def _json(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            async with self._session.request(
                method, url, json=body, timeout=self._timeout, allow_redirects=False
            ) as response:
                answer = json.loads(await _limited(response, MAX_RESPONSE))
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


async def _limited(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body of a response. Raises ValueError where it is longer than ``most`` bytes."""
    raw = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        raw += chunk
        if len(raw) > most:
            raise ValueError("the answer is too long")
    return bytes(raw)


def _signature(server: bytes, key: bytes, time_s: int) -> str:
    return to_hex(sign(key, statement_digest(server, time_s)))


def _signed(kind: type[M], value: Any) -> Signed[M]:
    """A signed message of an answer. Raises Unavailable ``server.answer``."""
    try:
        return Signed.from_json(kind, value)
    except InputError:
        raise Unavailable("server.answer") from None


def _code(waiting: str | None) -> str | None:
    """The code in ``waiting``, or ``server.answer`` for an unknown one."""
    return None if waiting is None else code_from("server", waiting)


def _acknowledgement(result: AcknowledgementResult) -> Acknowledgement:
    lines = tuple(SettledLine(*line) for line in result.lines)
    return Acknowledgement(_signed(Statement, result.statement), lines, json.dumps(msgspec.to_builtins(result)))


def _line(line: StatementLineResult) -> StatementLine:
    return StatementLine(
        number=line.number,
        content=from_hex(line.content, 20),
        session=from_hex(line.session, 32),
        intervals=line.intervals,
        price=_amount(line.price),
        reward=_amount(line.reward),
    )


def _amount(text: str) -> int:
    """An amount of the EIP-712 type uint128. Raises Unavailable ``server.answer``."""
    value = int(text)
    if value >= 1 << 128:
        raise Unavailable("server.answer")
    return value
