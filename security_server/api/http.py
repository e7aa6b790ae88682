"""HTTP routes: uploads, accounts, statements, vouchers, receipts, epochs, claims, moves."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import Struct

from common.version import VERSION
from messages.server_contents import HandoverRequest, MoveRequest, MoveResult, Upload, UploadResult
from messages.server_http import (
    AccountRequest,
    BooksRequest,
    ClaimPost,
    HealthResult,
    ImportResult,
    InfoResult,
    ReadyResult,
    ReceiptsPost,
    ScheduleResult,
    StatementRequest,
    VoucherPost,
)
from pywallet.encoding.hex import from_hex, to_b64, to_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.protocol import Domain
from pywallet.protocol.http_status import http_status
from pywallet.rules.content_check import withdrawal
from pywallet.settlement import Schedule
from security_server.api import requests
from security_server.billing.billing import Billing
from security_server.billing.books import Resynchronisation
from security_server.billing.claim_mixing import ClaimMixer
from security_server.billing.claim_relay import ClaimRelay
from security_server.billing.receipts import Receipts
from security_server.chain.view import ChainView
from security_server.config import Config, Keys
from security_server.content.contents import ContentStore, signer, verify
from security_server.content.handover_sender import HandoverSender
from security_server.content.serving import Serving
from security_server.content.takeover import Takeover
from security_server.epochs.closing import EpochCloser
from security_server.epochs.importing import EpochImporter
from security_server.epochs.publishing import EpochPublisher
from security_server.operations.drain import Drain
from security_server.operations.open_requests import OpenRequests
from security_server.operations.readiness import Readiness

log = logging.getLogger("gomaa.server")

BODIES: Final = {"/v1/contents/{content}": 8 << 20, "/v1/epochs/import": 8 << 20, "/v1/books": 512 << 10}
"""Largest body of the routes with more than ``MOST_BODY``, bytes.

A header is at most 4 MiB, in base64; longer data of an epoch are imported while the server is stopped; books come with
up to 256 acknowledgements.
"""
MOST_BODY: Final = 64 << 10
"""Largest body of the other routes, bytes."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception into a JSON error with a code; an unexpected one becomes ``internal``."""
    try:
        return await handler(request)
    except GomaaError as error:
        response = web.json_response({"error": error.to_json()}, status=http_status(error))
        if "retry_after" in error.detail:
            response.headers["Retry-After"] = str(error.detail["retry_after"])
        return response
    except web.HTTPException as error:
        code = GomaaError("message.schema", status=error.status, reason=error.reason)
        return web.json_response({"error": code.to_json()}, status=error.status)
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return web.json_response({"error": GomaaError("internal").to_json()}, status=500)


PROBES: Final = frozenset({"/v1/health", "/v1/ready"})
"""Paths that are answered while the server ends."""
HOSTS: Final = "/v1/host"
"""Path of the hosts' WebSocket, whose requests are measured one by one."""


def measuring(open_requests: OpenRequests, drain: Drain) -> Any:
    """Middleware that measures requests, and refuses them while the server ends (``server.unready``).

    Args:
        open_requests: Counts them.
        drain: Of this server.
    """

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == HOSTS:
            return await handler(request)
        resource = request.match_info.route.resource
        # An unknown path is no label: a client could make any number of them.
        name = "unknown" if resource is None else f"{request.method} {resource.canonical}"
        with open_requests.measured(name):
            if request.path not in PROBES:
                drain.require_connections()
            return await handler(request)

    return measure


class Probes:
    """Handlers of health and readiness.

    Args:
        readiness: Of this server.
    """

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.get("/v1/health", self.health), web.get("/v1/ready", self.ready)]

    async def health(self, _request: web.Request) -> web.Response:
        """``GET /v1/health``: the process answers."""
        return _json(HealthResult(VERSION))

    async def ready(self, _request: web.Request) -> web.Response:
        """``GET /v1/ready``: the server can serve."""
        await self._readiness.require()
        return _json(ReadyResult(VERSION))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InputError("message.schema", field="epoch")
    return int(text)


def _json(result: Struct) -> web.Response:
    """A response with a result as JSON."""
    return web.Response(body=msgspec.json.encode(result), content_type="application/json", charset="utf-8")


class HttpApi:
    """Handlers of the routes under ``/v1``."""

    def __init__(
        self,
        *,
        config: Config,
        keys: Keys,
        domain: Domain,
        schedule: Schedule,
        chain: ChainView,
        songs: ContentStore,
        billing: Billing,
        resynchronisation: Resynchronisation,
        receipts: Receipts,
        publisher: EpochPublisher,
        closer: EpochCloser,
        importer: EpochImporter,
        relay: ClaimRelay,
        mixer: ClaimMixer,
        serving: Serving,
        handovers: HandoverSender,
        takeover: Takeover,
    ) -> None:
        self._config = config
        self._keys = keys
        self._address = keys.address
        self._domain = domain
        self._schedule = schedule
        self._chain = chain
        self._songs = songs
        self._billing = billing
        self._resynchronisation = resynchronisation
        self._receipts = receipts
        self._publisher = publisher
        self._closer = closer
        self._importer = importer
        self._relay = relay
        self._mixer = mixer
        self._serving = serving
        self._handovers = handovers
        self._takeover = takeover

    def routes(self) -> list[web.RouteDef]:
        """The routes of all handlers."""
        return [
            web.get("/v1/info", self.info),
            web.put("/v1/contents/{content}", self.upload),
            web.post("/v1/accounts", self.account),
            web.post("/v1/statements", self.statement),
            web.post("/v1/vouchers", self.voucher),
            web.post("/v1/books", self.books),
            web.post("/v1/epochs/close", self.close),
            web.post("/v1/epochs/import", self.take),
            web.get("/v1/epochs/{epoch}", self.epoch),
            web.get("/v1/epochs/{epoch}/data", self.data),
            web.get("/v1/epochs/{epoch}/counts/{content}", self.counts),
            web.post("/v1/receipts", self.receipts),
            web.post("/v1/claims", self.claims),
            web.post("/v1/handovers", self.handover),
            web.post("/v1/moves", self.move),
        ]

    async def info(self, _request: web.Request) -> web.Response:
        """``GET /v1/info``: addresses, chain, schedule and version."""
        return _json(
            InfoResult(
                server=to_hex(self._address),
                key=to_b64(self._keys.exchange_public),
                chain_id=self._domain.chain_id,
                settlement=to_hex(self._domain.settlement),
                schedule=ScheduleResult(**asdict(self._schedule)),
                version=VERSION,
                relayer=self._relay.standing.state,
            )
        )

    async def upload(self, request: web.Request) -> web.Response:
        """``PUT /v1/contents/{content}``: store a header and its content keys.

        The cheap checks (server of the content, signer) come first, because anyone can send a body that takes long to
        parse.
        """
        content = from_hex(request.match_info["content"], 20)
        facts = await self._chain.content(content, fresh=True)
        await self._serving.require_holding(content)
        code = withdrawal(facts)
        if code is not None:
            raise Refusal(code)
        body = await asyncio.to_thread(requests.body, Upload, await request.read())
        if await asyncio.to_thread(signer, body, content) != facts.owner:
            raise Refusal("content.owner")
        verified = await asyncio.to_thread(verify, body, content, self._keys.exchange)
        header = verified.header
        if header.chain != self._domain.chain_id:
            raise InputError("sps.header.chain", chain=header.chain)
        # The file names the first server. Where that is this one, its key has to be this one's too.
        first = await self._chain.server_at(content, 0)
        if header.server.address != first or (
            first == self._address and header.server.key != self._keys.exchange_public
        ):
            raise Refusal("server.mismatch", server=to_hex(header.server.address))
        price = verified.song.policy.price
        if (facts.policy_hash, facts.price, facts.interval) != (
            verified.song.policy_hash,
            price.owner,
            price.interval_s,
        ):
            raise Refusal("sps.policy.mismatch")
        await self._songs.save(verified.cose, verified.song, verified.keys, await self._chain.now_ms())
        self._chain.follow(content)
        return _json(UploadResult(content=to_hex(content), epochs=sorted(verified.keys)))

    async def account(self, request: web.Request) -> web.Response:
        """``POST /v1/accounts``: a payer's escrow with this server."""
        return _json(await self._billing.account(requests.body(AccountRequest, await request.read())))

    async def statement(self, request: web.Request) -> web.Response:
        """``POST /v1/statements``: what a payer owes."""
        return _json(await self._billing.statement(requests.body(StatementRequest, await request.read())))

    async def voucher(self, request: web.Request) -> web.Response:
        """``POST /v1/vouchers``: settle a payer's voucher."""
        return _json(await self._billing.voucher(requests.body(VoucherPost, await request.read())))

    async def books(self, request: web.Request) -> web.Response:
        """``POST /v1/books``: resynchronise a payer."""
        return _json(await self._resynchronisation.books(requests.body(BooksRequest, await request.read())))

    async def close(self, request: web.Request) -> web.Response:
        """``POST /v1/epochs/close`` (admin): close and post the last ended epoch now."""
        self._require_admin(request)
        return _json(await self._closer.close_last())

    async def take(self, request: web.Request) -> web.Response:
        """``POST /v1/epochs/import`` (admin): import an epoch from its published bytes after a restored backup."""
        self._require_admin(request)
        return _json(ImportResult(epoch=await self._importer.take(await request.read())))

    def _require_admin(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, b"Bearer " + self._keys.admin.encode()):
            raise InputError("message.denied")

    async def epoch(self, request: web.Request) -> web.Response:
        """``GET /v1/epochs/{epoch}``: state and roots."""
        return _json(await self._publisher.epoch(_number(request.match_info["epoch"])))

    async def counts(self, request: web.Request) -> web.Response:
        """``GET /v1/epochs/{epoch}/counts/{content}``: a content's counters with their proof; names no listener."""
        content = from_hex(request.match_info["content"], 20)
        return _json(await self._publisher.counts(_number(request.match_info["epoch"]), content))

    async def data(self, request: web.Request) -> web.Response:
        """``GET /v1/epochs/{epoch}/data``: the published bytes, whose hash is on the chain."""
        body = await self._publisher.data(_number(request.match_info["epoch"]))
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return web.Response(body=body, content_type="application/octet-stream", headers=headers)

    async def receipts(self, request: web.Request) -> web.Response:
        """``POST /v1/receipts``: receipts of the payee that signed the request."""
        return _json(await self._receipts.of_payee(requests.body(ReceiptsPost, await request.read())))

    async def handover(self, request: web.Request) -> web.Response:
        """``POST /v1/handovers``: a content's keys and counters, encrypted to the server that takes it over."""
        return _json(await self._handovers.hand_over(requests.body(HandoverRequest, await request.read())))

    async def move(self, request: web.Request) -> web.Response:
        """``POST /v1/moves``: take over a content that its owner has proposed to this server."""
        if not self._config.accept_moves:
            self._require_admin(request)
        content = from_hex(requests.body(MoveRequest, await request.read()).content, 20)
        first = await self._takeover.take(content)
        return _json(MoveResult(content=to_hex(content), server=to_hex(self._address), from_epoch=first))

    async def claims(self, request: web.Request) -> web.Response:
        """``POST /v1/claims``: relay signed claims."""
        post = requests.body(ClaimPost, await request.read())
        return _json(await (self._mixer.take(post.claims) if post.mixed else self._relay.claim(post.claims)))
