"""The application: every part made once, started and stopped in order."""

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
from security_server.api.connections import Hub
from security_server.api.host_socket import HostSocket
from security_server.api.http import (
    BODIES,
    MOST_BODY,
    Web,
    errors,
)
from security_server.api.peers import post_json
from security_server.billing.billing import Bookkeeping
from security_server.billing.claim_mixing import Mixer
from security_server.billing.claim_relay import Relay
from security_server.chain_view import ChainView
from security_server.config import Config, Keys
from security_server.content.contents import Songs
from security_server.content.moves import Moves
from security_server.content.revocation import Revocation
from security_server.context import Core
from security_server.db.retention import History
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import Agreement
from security_server.epochs.chain_events import ChainEvents
from security_server.epochs.challenge_responder import Answering
from security_server.epochs.challenge_stakes import StakeWatch
from security_server.epochs.closing import Closing
from security_server.epochs.importing import Importing
from security_server.epochs.publishing import Publishing
from security_server.playback.key_service import KeyService

log = logging.getLogger("gomaa.server")

CORE: web.AppKey[Core] = web.AppKey("core", Core)
CLOSING: web.AppKey[Closing] = web.AppKey("closing", Closing)
MOVES: web.AppKey[Moves] = web.AppKey("moves", Moves)
MIXER: web.AppKey[Mixer] = web.AppKey("mixer", Mixer)
ANSWERING: web.AppKey[Answering] = web.AppKey("answering", Answering)


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
        # Whoever tries again must find the database free.
        await stack.aclose()
        raise


async def _build(
    config: Config, keys: Keys, deployment: Deployment, stack: contextlib.AsyncExitStack
) -> web.Application:
    """The application. What it opens is closed by ``stack``."""
    chain = await stack.enter_async_context(deployment.connect(config.rpc, max_fee=config.max_fee))
    clock = await stack.enter_async_context(ChainClock(chain))
    store = Store(config.url)
    stack.callback(store.close)
    view = ChainView(chain, clock, deployment, keys.address, config)
    songs, agreement = Songs(store, keys.master), Agreement(store, view, deployment.schedule)
    core = Core(
        config, keys, keys.address, deployment.domain, deployment.schedule, store, view, songs, Hub(), agreement
    )
    publishing = Publishing(core)
    moves = Moves(core, await stack.enter_async_context(post_json()))
    playing, books, relay = KeyService(core, moves), Bookkeeping(core), Relay(core, publishing)
    mixer = Mixer(core, relay)
    closing = Closing(core, publishing, agreement)
    answering = Answering(core, publishing, closing, ChainEvents(store, view))
    importing = Importing(store, view, keys.address, deployment.schedule, agreement)
    revocation = Revocation(core)

    gate = Gate(config.limits, BODIES, MOST_BODY)
    app = web.Application(middlewares=[errors, gate.middleware()], handler_args=HANDLER_ARGS)
    app[GATE] = gate
    app[CORE] = core
    app[CLOSING] = closing
    app[ANSWERING] = answering
    app[MOVES] = moves
    app[MIXER] = mixer
    app.add_routes(Web(core, books, publishing, closing, relay, mixer, importing, moves).routes())
    app.add_routes([web.get("/v1/host", HostSocket(core, gate, playing, books, publishing, relay, mixer).handle)])

    async def background(_app: web.Application) -> AsyncIterator[None]:
        try:
            await revocation.start()
            # Before anything is served: a database that is not the chain's gives no receipt.
            with contextlib.suppress(GomaaError):
                await agreement.look()
        except BaseException:
            await stack.aclose()
            raise
        tasks = [asyncio.create_task(agreement.run(config.close_every_s))]
        tasks += [asyncio.create_task(each.run()) for each in (revocation, moves)]
        if config.auto_close:
            tasks += [
                asyncio.create_task(each.run())
                for each in (answering, closing, relay, mixer, History(core), StakeWatch(core))
            ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await view.close()
        await stack.aclose()

    async def hang_up(_app: web.Application) -> None:
        core.hub.close()

    app.cleanup_ctx.append(background)
    app.on_shutdown.append(hang_up)
    log.info("security server %s on chain %d", to_hex(keys.address), deployment.chain_id)
    return app
