"""The station's aiohttp application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import aiohttp
from aiohttp import web

from chain import domain_proof
from common.http_limits import GATE, HANDLER_ARGS, Gate, RateLimiter
from common.style import LAMPLIGHT
from pywallet.crypto import address_of
from station.api import account, dashboard_routes, file_routes, identity_routes, keys, page_routes, ticket_routes
from station.api.points import AdFreePasses, PointsApi
from station.api.responses import add_headers, guard
from station.chain_interface import ChainView
from station.config import StationConfig
from station.context import Station, read_key
from station.dashboard.pages import DashboardPages
from station.dashboard.sign_in import ATTEMPTS_PER_MINUTE, OperatorSessions
from station.pages.check_page import CachedCheck
from station.pages.views import HERE, Pages
from station.payments.server_client import Servers
from station.site_check.check import check

STATION: web.AppKey[Station] = web.AppKey("station", Station)
"""All services, for setup and tests; handlers read the keys of ``station.api.keys``."""

MAX_BODY = 16 << 10
"""Bytes of the longest request body."""
SONG = r"{name:[A-Za-z0-9][A-Za-z0-9._-]{0,99}}"


def create_app(config: StationConfig, chain: ChainView | None = None) -> web.Application:
    """The application of one station.

    Args:
        config: The station's settings.
        chain: A chain for tests; None: the deployment's.

    Raises:
        InputError: ``message.schema``: the key file cannot be read.
    """
    key = read_key(config.key_file)
    gate = Gate(config.limits, {}, MAX_BODY)
    app = web.Application(middlewares=[guard, gate.middleware()], handler_args=HANDLER_ARGS)
    app[GATE] = gate
    app[keys.CONFIG] = config
    app[keys.PAGES] = Pages.of(config)
    app[keys.LIMITER] = RateLimiter(config.tickets_per_minute_address, lambda: asyncio.get_running_loop().time())

    async def running(app: web.Application) -> AsyncIterator[None]:
        view = chain if chain is not None else _chain_client(config)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            station = Station.of(config, key, address_of(key), view, Servers(session, config.timeout_s))
            _provide(app, config, station)
            clock = asyncio.get_running_loop().time
            app[dashboard_routes.SESSIONS] = OperatorSessions(config.admin_token_file, clock)
            app[dashboard_routes.SIGN_IN_LIMIT] = RateLimiter(ATTEMPTS_PER_MINUTE, clock)
            app[keys.SITE_CHECK] = CachedCheck(lambda: check(session, f"{config.origin}/"), clock)
            station.start()
            yield
            await station.stop()

    app.cleanup_ctx.append(running)
    app.on_response_prepare.append(add_headers)
    app.add_routes(_routes(config, key))
    return app


def _provide(app: web.Application, config: StationConfig, station: Station) -> None:
    """Give the handlers their services."""
    app[STATION] = station
    app[keys.ADDRESS] = station.address
    app[keys.AD_FREE] = AdFreePasses(
        station.address, config.sponsor, config.origin.startswith("https"), station.chain, station.loyalty
    )
    app[keys.CATALOGUE] = station.catalogue
    app[keys.CHAIN] = station.chain
    app[keys.COMMISSION] = station.commission
    app[keys.DIRECTORY] = station.directory
    app[keys.ISSUER] = station.issuer
    app[keys.MOVES] = station.moves
    app[keys.POINTS] = PointsApi(station.address, config.domain, station.chain, station.loyalty)
    app[keys.STORE] = station.store
    app[keys.FIGURES] = station.figures
    app[keys.POSTED] = station.posted
    app[dashboard_routes.VIEWS] = station.dashboard
    app[dashboard_routes.DASHBOARD] = DashboardPages(config, app[keys.PAGES].environment, station.dashboard)


def _routes(config: StationConfig, key: bytes) -> list[web.AbstractRouteDef]:
    return [
        *dashboard_routes.routes(),
        web.get("/", page_routes.radio),
        web.get(f"/song/{SONG}", page_routes.radio),
        web.get("/embed", page_routes.embed),
        web.get("/install", page_routes.install),
        web.get("/works", page_routes.works),
        web.get(f"/songs/{SONG}.sps", file_routes.song_file),
        web.get(f"/songs/{SONG}.sps.html", file_routes.song_page),
        web.get(f"/songs/{SONG}.segments/{{part}}", file_routes.song_part),
        web.options(f"/songs/{SONG}.sps", file_routes.preflight),
        web.get("/art/{content:0x[0-9a-f]{40}}.svg", file_routes.cover),
        web.get("/.well-known/gomaa.json", identity_routes.record),
        web.get(domain_proof.PATH, partial(identity_routes.proof, config, key)),
        web.post("/gomaa/tickets", ticket_routes.ticket),
        web.get("/gomaa/tickets", ticket_routes.ticket, allow_head=False),
        web.post("/gomaa/points", ticket_routes.points),
        web.get("/gomaa/points", ticket_routes.points, allow_head=False),
        web.get("/gomaa/ad-free", ticket_routes.ad_free),
        web.get("/gomaa/account", account.account),
        web.get(f"/gomaa/songs/{SONG}/similar", page_routes.similar),
        web.get("/gomaa/passages/{content:0x[0-9a-f]{40}}", page_routes.passages),
        web.get(f"/static/{LAMPLIGHT.name}", page_routes.stylesheet),
        web.static("/static", HERE / "static"),
        web.get("/{path:.*}", page_routes.not_found),
    ]


def _chain_client(config: StationConfig) -> ChainView:
    from chain.deployment import Deployment
    from station.chain_client import ChainClient

    deployment = Deployment.load(config.deployment_file)
    deployment.require_schedule()
    return ChainClient(deployment, config.timeout_s)
