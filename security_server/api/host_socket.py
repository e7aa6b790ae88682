"""WebSocket of hosts (docs/protocol.md section 4): requests in order, each validated before it is executed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web
from msgspec import Struct

from common.http_limits import Gate, RateLimiter
from messages.host_server.billing import Books, LeafRequest, Owed, Pay, ReceiptsRequest, UsageRequest
from messages.host_server.events import DrainingEvent
from messages.host_server.playback import Destroyed, GrantRequest, Hello, HelloResult, LeaseRequest, Open, Report
from messages.host_server.relay import ClaimRequest, RelayerRequest, SweepRequest
from pywallet.crypto import recover
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.protocol import Signed, Ticket, hello_digest
from pywallet.rules.limits import request_is_fresh
from security_server.api import requests
from security_server.billing.billing import Billing
from security_server.billing.books import Resynchronisation
from security_server.billing.claim_mixing import ClaimMixer
from security_server.billing.claim_relay import ClaimRelay
from security_server.billing.payee_sweeps import PayeeSweeps
from security_server.billing.receipts import Receipts
from security_server.chain.view import ChainView
from security_server.db.writer import Store
from security_server.epochs.publishing import EpochPublisher
from security_server.host_connections import HostConnection, HostConnections
from security_server.operations.back_pressure import BackPressure
from security_server.operations.drain import Drain
from security_server.operations.open_requests import OpenRequests
from security_server.operations.quotas import PlayRequest, StationQuotas
from security_server.playback.destructions import store_destruction
from security_server.playback.key_service import KeyService
from security_server.playback.opening import Opening

log = logging.getLogger("gomaa.server")

MAX_FRAME: Final = 1 << 20
HELLO_S: Final = 10.0
"""Seconds within which a connection has to send ``hello``."""
SEND_S: Final = 30.0
"""Seconds after which a host that does not read a frame is disconnected."""
MOST_CLAIMS: Final = 4
"""Claims of one host that are executed beside its other requests; a further one is executed in order."""


class HostSocket:
    """Handler of ``GET /v1/host``."""

    def __init__(
        self,
        *,
        address: bytes,
        chain: ChainView,
        hosts: HostConnections,
        gate: Gate,
        frames_per_minute: int,
        store: Store,
        opening: Opening,
        key_service: KeyService,
        billing: Billing,
        resynchronisation: Resynchronisation,
        receipts: Receipts,
        publisher: EpochPublisher,
        relay: ClaimRelay,
        mixer: ClaimMixer,
        sweeps: PayeeSweeps,
        open_requests: OpenRequests,
        drain: Drain,
        quotas: StationQuotas,
        back_pressure: BackPressure,
    ) -> None:
        self._address = address
        self._chain = chain
        self._hosts = hosts
        self._gate = gate
        self._frames_per_minute = frames_per_minute
        self._store = store
        self._opening = opening
        self._key_service = key_service
        self._billing = billing
        self._resynchronisation = resynchronisation
        self._receipts = receipts
        self._publisher = publisher
        self._relay = relay
        self._mixer = mixer
        self._sweeps = sweeps
        self._open_requests = open_requests
        self._drain = drain
        self._quotas = quotas
        self._back_pressure = back_pressure

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one host until it disconnects.

        Raises:
            Refusal: ``server.busy``: its network address has too many connections.
            Unavailable: ``server.unready``: the server ends.
        """
        self._drain.require_connections()
        with self._gate.sockets.held(self._gate.address(request)):
            return await self._serve(request)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=MAX_FRAME, heartbeat=30)
        await socket.prepare(request)
        host = HostConnection()
        loop = asyncio.get_running_loop()
        rate = RateLimiter(self._frames_per_minute, loop.time, code="server.busy")
        hello_by = loop.time() + HELLO_S
        self._hosts.add(host)
        writer = asyncio.create_task(_write(socket, host, request.transport))
        slow: set[asyncio.Task[None]] = set()
        try:
            while True:
                try:
                    message = await socket.receive(None if host.device else max(0.0, hello_by - loop.time()))
                except TimeoutError:
                    await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"no hello")
                    break
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                try:
                    rate.take("")
                except Refusal as busy:
                    host.send({"id": requests.request_id(message.data), "ok": False, "error": busy.to_json()})
                    continue
                identity, operation = _parse(message.data)
                if isinstance(operation, ClaimRequest | SweepRequest) and len(slow) < MOST_CLAIMS:
                    # These take until a block: grants of the same host must not wait for them.
                    task = asyncio.create_task(self._answer(host, identity, operation))
                    slow.add(task)
                    task.add_done_callback(slow.discard)
                else:
                    await self._answer(host, identity, operation)
        finally:
            self._hosts.remove(host)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        return socket

    async def _answer(self, host: HostConnection, identity: int, request: requests.Operation | InputError) -> None:
        try:
            with self._open_requests.measured(_name(request)):
                if isinstance(request, InputError):
                    raise request
                result = await self._within_quota(host, request)
            host.send({"id": identity, "ok": True, "result": result})
        except GomaaError as error:
            host.send({"id": identity, "ok": False, "error": error.to_json()})
        except Exception:
            log.exception("a host's request failed")
            host.send({"id": identity, "ok": False, "error": GomaaError("internal").to_json()})

    async def _within_quota(self, host: HostConnection, request: requests.Operation) -> Struct:
        if not isinstance(request, PlayRequest):
            return await self._execute(host, request)
        if isinstance(request, Open):
            self._drain.require_plays()
        self._quotas.require(request)
        with self._back_pressure.held(host.station):
            result = await self._execute(host, request)
        if isinstance(request, Open):
            host.station = Signed.from_json(Ticket, request.ticket).message.station
        self._quotas.served(request)
        return result

    async def _execute(self, host: HostConnection, request: requests.Operation) -> Struct:
        if isinstance(request, Hello):
            return await self._hello(host, request)
        if host.device is None:
            raise InputError("message.denied", reason="hello comes first")
        match request:
            case Open():
                return await self._opening.open(host.device, request)
            case LeaseRequest():
                return await self._key_service.lease(host.device, from_hex(request.ticket, 32), request)
            case GrantRequest():
                return await self._key_service.grant(host.device, request)
            case Report():
                return await self._key_service.report(host.device, request)
            case Destroyed():
                return await store_destruction(self._store, host.device, request)
            case Owed():
                return await self._billing.listener_statement(host.device, request)
            case Pay():
                return await self._billing.listener_voucher(host.device, request)
            case Books():
                return await self._resynchronisation.listener_books(host.device, request)
            case ReceiptsRequest():
                return await self._receipts.of_device(host.device, request)
            case LeafRequest():
                return await self._publisher.leaf(request.epoch, from_hex(request.payee, 20))
            case UsageRequest():
                session, content = from_hex(request.session, 32), from_hex(request.content, 20)
                return await self._publisher.usage(host.device, request.epoch, session, content)
            case ClaimRequest():
                return await (
                    self._mixer.take(request.claims, request.after_s)
                    if request.mixed
                    else self._relay.claim(request.claims)
                )
            case RelayerRequest():
                return await self._sweeps.offer(from_hex(request.payee, 20), int(request.amount))
            case SweepRequest():
                return await self._sweeps.sweep(request.sweep, from_hex(request.permit, 65))

    async def _hello(self, host: HostConnection, request: Hello) -> HelloResult:
        if request.protocol != 1:
            raise InputError("server.protocol", protocol=request.protocol)
        clocks = (await self._chain.now_ms(), time.time_ns() // 1_000_000)
        if not any(request_is_fresh(request.time_ms, clock) for clock in clocks):
            raise InputError("invocation.time", time_ms=request.time_ms, now_ms=clocks[0])
        device = from_hex(request.device, 20)
        try:
            signer = recover(hello_digest(self._address, request.time_ms), from_hex(request.signature, 65))
        except InputError:
            signer = b""
        if signer != device:
            raise InputError("invocation.signature", op="hello")
        self._hosts.identify(host, device)
        if self._drain.began:
            host.send(DrainingEvent())
        return HelloResult(protocol=1, now_ms=clocks[0])


def _name(request: requests.Operation | InputError) -> str:
    """Name of an operation for the metrics."""
    return "malformed" if isinstance(request, InputError) else str(request.__struct_config__.tag)


def _parse(data: str | bytes) -> tuple[int, requests.Operation | InputError]:
    try:
        request = requests.operation(data)
    except InputError as error:
        return requests.request_id(data), error
    identity: int = request.id
    return identity, request


async def _write(socket: web.WebSocketResponse, host: HostConnection, transport: asyncio.Transport | None) -> None:
    while (frame := await host.frames.get()) is not None:
        try:
            async with asyncio.timeout(SEND_S):
                await socket.send_str(frame)
        except TimeoutError:
            # The host may still answer pings: an orderly close would wait for it.
            if transport is not None:
                transport.abort()
            return
        except (ConnectionError, RuntimeError):
            return
    await socket.close()
