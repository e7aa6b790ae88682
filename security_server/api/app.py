"""Composition of the server: makes every part once, starts and stops them in order."""

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
from security_server.api.connections import HostConnections
from security_server.api.host_socket import HostSocket
from security_server.api.http import (
    BODIES,
    MOST_BODY,
    HttpApi,
    errors,
)
from security_server.api.peers import post_json
from security_server.billing.billing import Billing
from security_server.billing.claim_mixing import ClaimMixer
from security_server.billing.claim_relay import ClaimRelay
from security_server.billing.fair_slots import EpochBounds
from security_server.billing.payee_sweeps import PayeeSweeps
from security_server.billing.receipts import Receipts
from security_server.chain_view import ChainView
from security_server.config import Config, Keys
from security_server.content.contents import ContentStore
from security_server.content.moves import Moves
from security_server.content.revocation import Revocation
from security_server.context import Core
from security_server.db.retention import Retention
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.epochs.chain_events import ChainEvents
from security_server.epochs.challenge_responder import ChallengeResponder
from security_server.epochs.challenge_stakes import StakeWatch
from security_server.epochs.closing import EpochCloser
from security_server.epochs.importing import EpochImporter
from security_server.epochs.publishing import EpochPublisher
from security_server.playback.key_service import KeyService

log = logging.getLogger("gomaa.server")

CORE: web.AppKey[Core] = web.AppKey("core", Core)
CLOSING: web.AppKey[EpochCloser] = web.AppKey("closing", EpochCloser)
MOVES: web.AppKey[Moves] = web.AppKey("moves", Moves)
MIXER: web.AppKey[ClaimMixer] = web.AppKey("mixer", ClaimMixer)
CHALLENGE_RESPONDER: web.AppKey[ChallengeResponder] = web.AppKey("challenge_responder", ChallengeResponder)


async def create_app(config: Config, keys: Keys | None = None) -> web.Application:
    """Connect to the chain, open the database, and build the application.

    The caller runs it (``aiohttp.web.AppRunner`` or ``gomaa server run``);
    its clean-up closes chain and database. ``keys`` defaults to the file
    that the configuration names.
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
    store = Store(config.url)
    stack.callback(store.close)
    view = ChainView(chain, clock, deployment, keys.address, config)
    domain, schedule = deployment.domain, deployment.schedule
    songs, agreement, hosts = ContentStore(store, keys.master), ChainAgreement(store, view, schedule), HostConnections()
    core = Core(config, keys, keys.address, domain, schedule, store, view, songs, hosts, agreement)
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
    moves = Moves(
        keys=keys,
        schedule=schedule,
        store=store,
        chain=view,
        songs=songs,
        ask=await stack.enter_async_context(post_json()),
        every_s=config.content_age_s,
    )
    revocation = Revocation(chain=view, songs=songs, hosts=hosts, every_s=config.content_age_s)
    receipts = Receipts(address=keys.address, store=store, chain=view, hosts=hosts)
    billing = Billing(
        keys=keys,
        domain=domain,
        schedule=schedule,
        store=store,
        chain=view,
        agreement=agreement,
        receipts=receipts,
        bounds=EpochBounds.from_config(config),
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
        receipts=receipts,
        publisher=publisher,
        closer=closer,
        importer=importer,
        relay=relay,
        mixer=mixer,
        moves=moves,
    )
    socket = HostSocket(
        address=keys.address,
        chain=view,
        hosts=hosts,
        gate=gate,
        frames_per_minute=config.frames_per_minute,
        key_service=KeyService(core, moves),
        billing=billing,
        receipts=receipts,
        publisher=publisher,
        relay=relay,
        mixer=mixer,
        sweeps=PayeeSweeps(config=config, keys=keys, domain=domain, store=store, chain=view, relay=relay),
    )
    app = web.Application(middlewares=[errors, gate.middleware()], handler_args=HANDLER_ARGS)
    app[GATE] = gate
    app[CORE] = core
    app[CLOSING] = closer
    app[CHALLENGE_RESPONDER] = responder
    app[MOVES] = moves
    app[MIXER] = mixer
    app.add_routes(api.routes())
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
        tasks = [asyncio.create_task(agreement.run(config.close_every_s))]
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
