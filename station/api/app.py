"""The station's aiohttp application: the radio page, the songs, the tickets, the operator's account."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web

from chain import domain_proof
from common.http_limits import (
    GATE,
    HANDLER_ARGS,
    Gate,
    RateLimiter,
)
from common.style import LAMPLIGHT
from pywallet.crypto import address_of
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.protocol import Session, Signed
from pywallet.redaction import place
from pywallet.settlement import gross
from station.api.points import PointsDesk, sponsor, use_ad_free
from station.api.responses import (
    OPEN,
    SongFile,
    add_headers,
    answer,
    body,
    guard,
    validated,
)
from station.catalogue import packages
from station.chain_interface import ChainView
from station.config import StationConfig
from station.context import Station, read_key
from station.pages.artwork import artwork
from station.pages.similar import LIMIT, MOST
from station.pages.views import HERE, Pages, recent_plays
from station.pages.works import Look
from station.payments.server_client import Servers
from station.site_check.check import check

STATION: web.AppKey[Station] = web.AppKey("station", Station)
PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)
LIMITER: web.AppKey[RateLimiter] = web.AppKey("limiter", RateLimiter)
LOOK: web.AppKey[Look] = web.AppKey("look", Look)

MOST_BODY = 16 << 10
"""Bytes of a request's body."""
SONG = r"{name:[A-Za-z0-9][A-Za-z0-9._-]{0,99}}"


def create_app(config: StationConfig, chain: ChainView | None = None) -> web.Application:
    """The application of one station.

    Args:
        config: who it is and where its files are.
        chain: another view of the chain than the deployment's, for tests.

    Raises:
        InputError: a key or deployment file that can't be read.
    """
    key = read_key(config.key_file)
    gate = Gate(config.limits, {}, MOST_BODY)
    app = web.Application(middlewares=[guard, gate.middleware()], handler_args=HANDLER_ARGS)
    app[GATE] = gate
    app[PAGES] = Pages.of(config)
    app[LIMITER] = RateLimiter(config.tickets_per_minute_address, lambda: asyncio.get_running_loop().time())

    async def running(app: web.Application) -> AsyncIterator[None]:
        view = chain if chain is not None else _door(config)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            station = Station.of(config, key, address_of(key), view, Servers(session, config.timeout_s))
            app[STATION] = station
            app[LOOK] = Look(lambda: check(session, f"{config.origin}/"), asyncio.get_running_loop().time)
            station.start()
            yield
            await station.stop()

    app.cleanup_ctx.append(running)
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/", radio)
    app.router.add_get(f"/song/{SONG}", radio)
    app.router.add_get("/embed", embed)
    app.router.add_get("/install", install)
    app.router.add_get("/works", works)
    app.router.add_get(f"/songs/{SONG}.sps", song_file)
    app.router.add_get(f"/songs/{SONG}.sps.html", song_page)
    app.router.add_get(f"/songs/{SONG}.segments/{{part}}", song_part)
    app.router.add_options(f"/songs/{SONG}.sps", preflight)
    app.router.add_get("/art/{content:0x[0-9a-f]{40}}.svg", cover)
    app.router.add_get("/.well-known/gomaa.json", record)
    app.router.add_get(domain_proof.PATH, partial(proof, config, key))
    app.router.add_post("/gomaa/tickets", ticket)
    app.router.add_get("/gomaa/tickets", ticket, allow_head=False)
    app.router.add_post("/gomaa/points", points)
    app.router.add_get("/gomaa/points", points, allow_head=False)
    app.router.add_get("/gomaa/ad-free", ad_free)
    app.router.add_get("/gomaa/account", account)
    app.router.add_get(f"/gomaa/songs/{SONG}/similar", similar)
    app.router.add_get(f"/static/{LAMPLIGHT.name}", stylesheet)
    app.router.add_static("/static", HERE / "static")
    app.router.add_get("/{path:.*}", lost)
    return app


def _door(config: StationConfig) -> ChainView:
    from chain.deployment import Deployment
    from station.chain_client import ChainDoor

    deployment = Deployment.load(config.deployment_file)
    deployment.require_schedule()
    return ChainDoor(deployment, config.timeout_s)


def _html(request: web.Request, text: str, status: int = 200) -> web.Response:
    return validated(request, web.Response(text=text, status=status, content_type="text/html", charset="utf-8"))


async def radio(request: web.Request) -> web.Response:
    """``GET /`` and ``GET /song/NAME``: the radio page. It needs neither chain nor server."""
    station = request.app[STATION]
    chosen = None
    if "name" in request.match_info:
        chosen = station.catalogue.named(request.match_info["name"])
        if chosen is None:
            return await lost(request)
    plays, rows = await asyncio.to_thread(station.store.plays, station.midnight_ms(), 50)
    recent = recent_plays(rows, station.catalogue.of, 3)
    now, like = datetime.now().astimezone(), station.catalogue.like
    ad = await sponsor(request, station)
    return _html(
        request, request.app[PAGES].radio(station.catalogue.songs, chosen, plays, recent, station.bps, now, like, ad)
    )


async def similar(request: web.Request) -> web.Response:
    """``GET /gomaa/songs/NAME/similar?limit=N``: songs of the catalogue that are like this one, nearest first."""
    catalogue = request.app[STATION].catalogue
    song = catalogue.named(request.match_info["name"])
    if song is None:
        raise InputError("content.unknown", name=request.match_info["name"])
    asked = request.query.get("limit", str(LIMIT))
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 2 and 1 <= int(asked) <= MOST):
        raise InputError("message.schema", field="limit", reason=f"1 to {MOST}")
    found = [
        {
            "name": other.name,
            "content": to_hex(other.content),
            "title": other.title,
            "artist": other.artist,
            "genre": other.genre,
            "by": match.by,
            "distance": None if match.distance is None else round(match.distance, 3),
        }
        for other, match in catalogue.like(song, int(asked))
    ]
    return answer({"song": song.name, "similar": found})


async def embed(request: web.Request) -> web.Response:
    """``GET /embed``: how other sites carry a song."""
    return _html(request, request.app[PAGES].embed(request.app[STATION].catalogue.songs, datetime.now().astimezone()))


async def install(request: web.Request) -> web.Response:
    """``GET /install``: what GoMAA is."""
    return _html(request, request.app[PAGES].install())


async def works(request: web.Request) -> web.Response:
    """``GET /works``: does it work on this site?"""
    songs = request.app[STATION].catalogue.songs
    return _html(request, request.app[PAGES].works(await request.app[LOOK].lines(), songs[0].name if songs else None))


async def stylesheet(_request: web.Request) -> web.FileResponse:
    """``GET /static/lamplight.css``: the sheet that all our pages share."""
    return web.FileResponse(LAMPLIGHT)


async def lost(request: web.Request) -> web.Response:
    """Anything else."""
    if request.path.startswith("/gomaa/"):
        return answer({"error": GomaaError("message.schema", reason="no such path").to_json()}, 404)
    return _html(request, request.app[PAGES].lost(), 404)


async def song_file(request: web.Request) -> web.StreamResponse:
    """``GET /songs/NAME.sps``: a sealed file of the catalogue, whole or by range."""
    song = request.app[STATION].catalogue.named(request.match_info["name"])
    return await lost(request) if song is None else SongFile(song.path)


async def song_page(request: web.Request) -> web.StreamResponse:
    """``GET /songs/NAME.sps.html``: the page that carries the song, if the band made one."""
    song = request.app[STATION].catalogue.named(request.match_info["name"])
    return (song and packages.page(song)) or await lost(request)


async def song_part(request: web.Request) -> web.StreamResponse:
    """``GET /songs/NAME.segments/…``: the exploded packaging, if the band made one."""
    song = request.app[STATION].catalogue.named(request.match_info["name"])
    return (song and packages.part(song, request.match_info["part"])) or await lost(request)


async def preflight(_request: web.Request) -> web.Response:
    """``OPTIONS /songs/NAME.sps``: any site may fetch sealed files."""
    allowed = {
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "Range, If-Range, If-None-Match",
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=204, headers={**OPEN, **allowed})


async def cover(request: web.Request) -> web.Response:
    """``GET /art/CONTENT.svg``: the drawn cover of a song of the catalogue."""
    content = from_hex(request.match_info["content"], 20)
    if request.app[STATION].catalogue.of(content) is None:
        return await lost(request)
    headers = {**OPEN, "Content-Security-Policy": "default-src 'none'"}
    return validated(request, web.Response(text=artwork(content), content_type="image/svg+xml", headers=headers))


async def record(request: web.Request) -> web.Response:
    """``GET /.well-known/gomaa.json``: who this station is."""
    station = request.app[STATION]
    servers = await asyncio.to_thread(station.known_servers)
    value = {
        "station": to_hex(station.address),
        "name": station.config.name,
        "domain": station.config.domain,
        "tickets": "/gomaa/tickets",
        "points": "/gomaa/points",
        "servers": sorted(map(to_hex, servers)),
    }
    network = await asyncio.to_thread(_network, station.config)
    response = answer(value if network is None else {**value, "network": network})
    response.headers.update(OPEN)
    return response


def _network(config: StationConfig) -> dict[str, Any] | None:
    """The deployment with the node that listeners may use, never with the station's own; None where none is named."""
    from chain.deployment import Deployment

    if config.public_rpc is None:
        return None
    try:
        return {**Deployment.load(config.deployment_file).to_json(), "rpc": config.public_rpc}
    except (OSError, GomaaError):
        return None


async def proof(config: StationConfig, key: bytes, request: web.Request) -> web.Response:
    """``GET /.well-known/gomaa-station.json``: this station's signed word that the domain is its own.

    The same bytes each time.
    """
    from chain.deployment import Deployment

    try:
        made = await asyncio.to_thread(Deployment.load, config.deployment_file)
    except (OSError, GomaaError):
        return await lost(request)
    raw = await asyncio.to_thread(domain_proof.make, key, made.chain_id, made.registry, config.domain)
    return validated(request, web.Response(body=raw, content_type="application/json", headers=OPEN))


async def ticket(request: web.Request) -> web.Response:
    """``GET`` and ``POST /gomaa/tickets``: a signed ticket for one play, or why not."""
    request.app[LIMITER].take(request.app[GATE].address(request))
    value = await body(request)
    session = Signed.from_json(Session, value.get("session"))
    content = value.get("content")
    if not isinstance(content, str):
        raise InputError("message.schema", field="content")
    signed = await request.app[STATION].desk.issue(session, from_hex(content, 20))
    return answer({"ticket": signed.to_json()})


async def points(request: web.Request) -> web.Response:
    """``GET`` and ``POST /gomaa/points``: what a listener has, buys or redeems."""
    request.app[LIMITER].take(request.app[GATE].address(request))
    return await PointsDesk(request.app[STATION]).answer(request)


async def ad_free(request: web.Request) -> web.Response:
    """``GET /gomaa/ad-free?pass=…``: use an ad-free pass in this browser."""
    return await use_ad_free(request, request.app[STATION])


async def account(request: web.Request) -> web.Response:
    """``GET /gomaa/account``: the operator's view; needs the admin token as a bearer."""
    station = request.app[STATION]
    _require_operator(request, station.config)
    plays, _ = await asyncio.to_thread(station.store.plays, station.midnight_ms(), 0)
    servers = sorted(await asyncio.to_thread(station.known_servers))
    return answer(
        {
            "station": to_hex(station.address),
            "name": station.config.name,
            "domain": station.config.domain,
            "plays_today": plays,
            "songs": len(station.catalogue),
            "problems": dict(station.catalogue.problems),
            "servers": [await _account(station, server) for server in servers],
            "moves": None if station.moves.known is None else [move.to_json() for move in station.moves.known],
        }
    )


def _require_operator(request: web.Request, config: StationConfig) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        wanted = config.admin_token_file.read_text(encoding="utf-8").strip() if config.admin_token_file else ""
    except OSError:
        wanted = ""
    if scheme.lower() != "bearer" or not wanted or not hmac.compare_digest(given.strip().encode(), wanted.encode()):
        raise Refusal("message.denied")


async def _account(station: Station, server: bytes) -> dict[str, Any]:
    """One server's part of the operator's view; what can't be read now says why."""
    view: dict[str, Any] = {"server": to_hex(server)}
    voucher = await asyncio.to_thread(station.store.voucher, server)
    cap = 0 if voucher is None else voucher.cap
    view["signed_wei"] = str(cap)
    view["voucher"] = (
        None
        if voucher is None
        else {"cap_wei": str(voucher.cap), "until": voucher.until, "sent": voucher.sent_ms is not None}
    )
    statements = await asyncio.to_thread(station.store.statements, server, 10)
    view["statements"] = [
        {
            "time_ms": row.received_ms,
            "epoch": row.epoch,
            "spent_wei": str(row.spent),
            "lines": row.line_count,
            "code": row.code,
            "reason": row.reason,
        }
        for row in statements
    ]
    aside = await asyncio.to_thread(station.store.quarantine, server, 100)
    view["quarantine"] = [
        {"number": row.number, "time_ms": row.since_ms, "code": row.code, "reason": row.reason} for row in aside
    ]
    try:
        view["url"] = place(await station.url(server))
        now_s = await station.chain.now_ms() // 1000
        money = await station.chain.account(server, station.address)
        open_tickets, net = await asyncio.to_thread(station.store.outstanding, server, now_s)
        held = gross(net, await station.chain.rate(station.chain.schedule.epoch_of(now_s)))
        unposted = max(0, cap - money.spent)
        view |= {
            "spent_wei": str(money.spent),
            "escrow_wei": str(money.escrow),
            "requested_wei": str(money.requested),
            "unposted_wei": str(unposted),
            "open_tickets": open_tickets,
            "held_wei": str(held),
            "usable_wei": str(max(0, money.escrow - money.requested - unposted - held)),
        }
    except GomaaError as error:
        view["problem"] = error.to_json()
    return view
