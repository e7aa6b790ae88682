"""Composition of the server: builds every part once, starts and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from chain.clock import ChainClock
from chain.deployment import Deployment
from common.http_limits import GATE, HANDLER_ARGS, Gate
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from security_server.api.host_socket import HostSocket
from security_server.api.http import (
    BODIES,
    MOST_BODY,
    HttpApi,
    Probes,
    errors,
    measuring,
)
from security_server.api.peers import handover_client
from security_server.billing.billing import Billing
from security_server.billing.books import Resynchronisation
from security_server.billing.claim_mixing import ClaimMixer
from security_server.billing.claim_relay import ClaimRelay
from security_server.billing.epoch_transactions import EpochTransactions
from security_server.billing.fair_slots import EpochBounds
from security_server.billing.payee_sweeps import PayeeSweeps
from security_server.billing.receipts import Receipts
from security_server.chain.view import ChainView
from security_server.config import Config, Keys
from security_server.content.contents import ContentStore
from security_server.content.handover_sender import HandoverSender
from security_server.content.moves import Moves
from security_server.content.revocation import Revocation
from security_server.content.serving import Serving
from security_server.content.takeover import Takeover
from security_server.db.reader import Reader
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.epochs.chain_events import ChainEvents
from security_server.epochs.challenge_responder import ChallengeResponder
from security_server.epochs.challenge_stakes import StakeWatch
from security_server.epochs.closing import EpochCloser
from security_server.epochs.importing import EpochImporter
from security_server.epochs.publishing import EpochPublisher
from security_server.host_connections import HostConnections
from security_server.operations.back_pressure import BackPressure
from security_server.operations.drain import Drain
from security_server.operations.loop_lag import measure_lag
from security_server.operations.metrics import Metrics
from security_server.operations.open_requests import OpenRequests
from security_server.operations.operator_app import OperatorApp
from security_server.operations.operator_page import OperatorPage
from security_server.operations.overview import OverviewSource
from security_server.operations.quotas import StationQuotas
from security_server.operations.readiness import Readiness
from security_server.parts import ServerParts
from security_server.playback.admission import Admission
from security_server.playback.invocation_facts import InvocationFacts
from security_server.playback.key_service import KeyService
from security_server.playback.opening import Opening
from security_server.retention import Retention

log = logging.getLogger("gomaa.server")

PARTS: web.AppKey[ServerParts] = web.AppKey("parts", ServerParts)
CLOSING: web.AppKey[EpochCloser] = web.AppKey("closing", EpochCloser)
MOVES: web.AppKey[Moves] = web.AppKey("moves", Moves)
TAKEOVER: web.AppKey[Takeover] = web.AppKey("takeover", Takeover)
MIXER: web.AppKey[ClaimMixer] = web.AppKey("mixer", ClaimMixer)
CHALLENGE_RESPONDER: web.AppKey[ChallengeResponder] = web.AppKey("challenge_responder", ChallengeResponder)
DRAIN: web.AppKey[Drain] = web.AppKey("drain", Drain)
OPERATOR: web.AppKey[web.Application] = web.AppKey("operator", web.Application)
"""Application of the operator's listener."""


async def create_app(config: Config, keys: Keys | None = None) -> web.Application:
    """Connect to the chain, open the database, and build the application.

    The caller runs it (``aiohttp.web.AppRunner`` or ``gomaa server run``); its clean-up closes chain and database.

    Args:
        config: The configuration.
        keys: The server's keys; None: those of the file that the configuration names.

    Raises:
        GomaaError: ``chain.*``, ``server.database.*``.
        InputError: ``message.schema``.
    """
    keys = keys or Keys.load(config.keys)
    deployment = Deployment.load(config.deployment)
    deployment.require_schedule()
    stack = contextlib.AsyncExitStack()
    try:
        return await _build(config, keys, deployment, stack)
    except BaseException:
        # The next attempt must find the database unlocked.
        await stack.aclose()
        raise


async def _build(
    config: Config, keys: Keys, deployment: Deployment, stack: contextlib.AsyncExitStack
) -> web.Application:
    """Build the application; ``stack`` closes what is opened."""
    chain = await stack.enter_async_context(deployment.connect(config.rpc, max_fee=config.max_fee))
    clock = await stack.enter_async_context(ChainClock(chain))
    metrics = Metrics()
    store = Store(config.url, metrics.committed, metrics.conflicted)
    metrics.watch_writer(store.wait_s)
    stack.callback(store.close)
    view = ChainView(chain, clock, deployment, keys.address, config)
    domain, schedule = deployment.domain, deployment.schedule
    songs, agreement, hosts = ContentStore(store, keys.master), ChainAgreement(store, view, schedule), HostConnections()
    parts = ServerParts(config, keys, keys.address, domain, schedule, store, view, songs, hosts, agreement)
    open_requests = OpenRequests(metrics)
    drain = Drain(hosts, open_requests)
    readiness = Readiness(store, agreement, drain)
    quotas = StationQuotas(domain, config.plays_per_station, config.requests_per_minute_station)
    publisher = EpochPublisher(keys=keys, store=store, chain=view, agreement=agreement)
    closer = EpochCloser(
        keys=keys,
        schedule=schedule,
        store=store,
        chain=view,
        hosts=hosts,
        agreement=agreement,
        publishing=publisher,
        every_s=config.close_every_s,
    )
    responder = ChallengeResponder(
        keys=keys,
        schedule=schedule,
        store=store,
        chain=view,
        publishing=publisher,
        closing=closer,
        events=ChainEvents(store, view),
        every_s=config.close_every_s,
    )
    importer = EpochImporter(store, view, keys.address, schedule, agreement)
    serving = Serving(address=keys.address, schedule=schedule, store=store, chain=view)
    takeover = Takeover(
        keys=keys,
        schedule=schedule,
        store=store,
        chain=view,
        songs=songs,
        serving=serving,
        request_handover=await stack.enter_async_context(handover_client()),
    )
    moves = Moves(
        address=keys.address,
        schedule=schedule,
        store=store,
        chain=view,
        songs=songs,
        serving=serving,
        takeover=takeover,
        every_s=config.content_age_s,
    )
    revocation = Revocation(chain=view, songs=songs, hosts=hosts, every_s=config.content_age_s)
    receipts = Receipts(address=keys.address, store=store, chain=view, hosts=hosts)
    transactions = EpochTransactions(
        keys=keys,
        domain=domain,
        schedule=schedule,
        store=store,
        chain=view,
        bounds=EpochBounds.from_config(config),
    )
    resynchronisation = Resynchronisation(keys=keys, domain=domain, store=store, chain=view, transactions=transactions)
    billing = Billing(
        keys=keys,
        domain=domain,
        schedule=schedule,
        store=store,
        chain=view,
        agreement=agreement,
        receipts=receipts,
        transactions=transactions,
    )
    relay = ClaimRelay(config=config, keys=keys, domain=domain, store=store, chain=view, publishing=publisher)
    mixer = ClaimMixer(config=config, schedule=schedule, store=store, chain=view, relay=relay)
    retention = Retention(
        schedule=schedule,
        store=store,
        chain=view,
        songs=songs,
        keep_days=config.keep_days,
        keep_receipts_days=config.keep_receipts_days,
    )
    gate = Gate(config.limits, BODIES, MOST_BODY)
    api = HttpApi(
        config=config,
        keys=keys,
        domain=domain,
        schedule=schedule,
        chain=view,
        songs=songs,
        billing=billing,
        resynchronisation=resynchronisation,
        receipts=receipts,
        publisher=publisher,
        closer=closer,
        importer=importer,
        relay=relay,
        mixer=mixer,
        serving=serving,
        handovers=HandoverSender(keys=keys, schedule=schedule, store=store, chain=view, songs=songs),
        takeover=takeover,
    )
    admission = Admission(
        config=config,
        keys=keys,
        domain=domain,
        schedule=schedule,
        store=store,
        chain=view,
        songs=songs,
        agreement=agreement,
        takeover=takeover,
    )
    key_service = KeyService(
        store=store,
        songs=songs,
        facts=InvocationFacts(config=config, domain=domain, schedule=schedule, store=store, chain=view, songs=songs),
        serving=serving,
        silence_s=config.silence_s,
        buffer_s=config.buffer_s,
    )
    socket = HostSocket(
        address=keys.address,
        chain=view,
        hosts=hosts,
        gate=gate,
        frames_per_minute=config.frames_per_minute,
        store=store,
        opening=Opening(admission, key_service),
        key_service=key_service,
        billing=billing,
        resynchronisation=resynchronisation,
        receipts=receipts,
        publisher=publisher,
        relay=relay,
        mixer=mixer,
        sweeps=PayeeSweeps(config=config, keys=keys, domain=domain, store=store, chain=view, relay=relay),
        open_requests=open_requests,
        drain=drain,
        quotas=quotas,
        back_pressure=BackPressure(store.wait_s),
    )
    reader = Reader(config.url)
    stack.callback(reader.close)
    overview = OverviewSource(
        reader=reader,
        chain=view,
        schedule=schedule,
        agreement=agreement,
        relay=relay,
        hosts=hosts,
        requests=open_requests,
        readiness=readiness,
        quotas=quotas,
    )
    probes = Probes(readiness)
    page = OperatorPage(keys.address, deployment.chain_id)
    operator = OperatorApp(metrics=metrics, overview=overview, page=page, token=keys.admin)
    middlewares = [errors, measuring(open_requests, drain), gate.middleware()]
    app = web.Application(middlewares=middlewares, handler_args=HANDLER_ARGS)
    app[DRAIN] = drain
    app[OPERATOR] = operator.application([errors], probes.routes())
    app[GATE] = gate
    app[PARTS] = parts
    app[CLOSING] = closer
    app[CHALLENGE_RESPONDER] = responder
    app[MOVES] = moves
    app[TAKEOVER] = takeover
    app[MIXER] = mixer
    app.add_routes(api.routes())
    app.add_routes(probes.routes())
    app.add_routes([web.get("/v1/host", socket.handle)])

    async def background(_app: web.Application) -> AsyncIterator[None]:
        try:
            await revocation.start()
            # Before anything is served: without agreement with the chain no receipt is given.
            with contextlib.suppress(GomaaError):
                await agreement.compare()
        except BaseException:
            await stack.aclose()
            raise
        tasks = [asyncio.create_task(agreement.run(config.close_every_s)), asyncio.create_task(measure_lag(metrics))]
        tasks += [asyncio.create_task(each.run()) for each in (revocation, moves)]
        if config.auto_close:
            tasks += [
                asyncio.create_task(each.run())
                for each in (
                    responder,
                    closer,
                    relay,
                    mixer,
                    retention,
                    StakeWatch(chain=view, gomaa_per_coin=config.gomaa_per_coin),
                )
            ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await view.close()
        await stack.aclose()

    async def disconnect(_app: web.Application) -> None:
        hosts.close()

    app.cleanup_ctx.append(background)
    app.on_shutdown.append(disconnect)
    log.info("security server %s on chain %d", to_hex(keys.address), deployment.chain_id)
    return app
