"""Routes of the operator's pages, ``/studio/``. Each needs the cookie of a sign-in; a form needs its key as well."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import hdrs, web

from common.http_limits import GATE, RateLimiter
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.redaction import place
from station.api.keys import ADDRESS, CHAIN, CONFIG, DIRECTORY
from station.api.page_routes import not_found
from station.api.responses import POLICY, answer
from station.dashboard import tables
from station.dashboard.money import DAY_S
from station.dashboard.pages import DashboardPages, Viewer
from station.dashboard.sign_in import COOKIE, SESSION_S, Operator, OperatorSessions
from station.dashboard.tables import TableRow, as_csv
from station.dashboard.views import RANGES, DashboardViews
from station.dashboard.words import LANGUAGES, language_of

SESSIONS: web.AppKey[OperatorSessions] = web.AppKey("operator_sessions", OperatorSessions)
SIGN_IN_LIMIT: web.AppKey[RateLimiter] = web.AppKey("sign_in_limit", RateLimiter)
VIEWS: web.AppKey[DashboardViews] = web.AppKey("dashboard_views", DashboardViews)
DASHBOARD: web.AppKey[DashboardPages] = web.AppKey("dashboard_pages", DashboardPages)

LANGUAGE: Final = "gomaa-language"
"""Cookie of the chosen language."""
LANGUAGE_S: Final = 365 * 86_400
DEFAULT_DAYS: Final = 28
PAGE_ROWS: Final = 200
"""Rows of the list of posted epochs on one page."""
ALL_ROWS: Final = 100_000
"""Rows of the same list as CSV or JSON."""
STUDIO_POLICY: Final = POLICY.replace("form-action 'none'", "form-action 'self'").replace("script-src 'self'; ", "")
"""Content Security Policy of the pages: forms to this station, and no script."""

Page = Callable[[web.Request, Operator], Awaitable[web.StreamResponse]]


def routes() -> list[web.RouteDef]:
    """All routes of the pages."""
    return [
        web.get("/studio", to_overview),
        web.get("/studio/", _signed_in(overview)),
        web.get("/studio/songs", _signed_in(songs)),
        web.get("/studio/statements", _signed_in(statements)),
        web.get(r"/studio/statements/{server:0x[0-9a-fA-F]{40}}/{epoch:[0-9]{1,15}}", _signed_in(statement)),
        web.post("/studio/sign-in", sign_in),
        web.post("/studio/sign-out", sign_out),
    ]


async def to_overview(_request: web.Request) -> web.StreamResponse:
    """``GET /studio``: status 308 to the first page."""
    raise web.HTTPPermanentRedirect("/studio/")


async def sign_in(request: web.Request) -> web.StreamResponse:
    """``POST /studio/sign-in``: the cookie for the admin token.

    Raises:
        Refusal: ``station.busy``: too many attempts from this address; ``message.denied``: a form of another site.
    """
    request.app[SIGN_IN_LIMIT].take(request.app[GATE].address(request))
    _require_same_site(request)
    token = (await request.post()).get("token", "")
    try:
        cookie = request.app[SESSIONS].sign_in(token if isinstance(token, str) else "")
    except Refusal:
        return _html(request, request.app[DASHBOARD].sign_in(_viewer(request, None), denied=True), 403)
    response = web.Response(status=303, headers={hdrs.LOCATION: "/studio/"})
    secure = request.app[CONFIG].origin.startswith("https")
    response.set_cookie(
        COOKIE, cookie, max_age=int(SESSION_S), path="/studio", secure=secure, httponly=True, samesite="Strict"
    )
    return response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """``POST /studio/sign-out``: end the sign-in.

    Raises:
        Refusal: ``message.denied``: without the form's key.
    """
    cookie = request.cookies.get(COOKIE)
    operator = request.app[SESSIONS].operator(cookie)
    if operator is not None and cookie is not None:
        await _require_form_key(request, operator)
        request.app[SESSIONS].sign_out(cookie)
    response = web.Response(status=303, headers={hdrs.LOCATION: "/studio/"})
    response.del_cookie(COOKIE, path="/studio")
    return response


async def overview(request: web.Request, operator: Operator) -> web.StreamResponse:
    """``GET /studio/?days=N&format=F``: the first page, or plays and money by day."""
    view = await request.app[VIEWS].overview(_days(request), await _now_ms(request))
    return _table(request, "days", tables.DAY_COLUMNS, tables.day_rows(view)) or _html(
        request, request.app[DASHBOARD].overview(_viewer(request, operator), view)
    )


async def songs(request: web.Request, operator: Operator) -> web.StreamResponse:
    """``GET /studio/songs?days=N&format=F``: songs with licences and plays."""
    days = _days(request)
    rows = await request.app[VIEWS].songs(days, await _now_ms(request))
    return _table(request, "songs", tables.SONG_COLUMNS, tables.song_rows(rows)) or _html(
        request, request.app[DASHBOARD].songs(_viewer(request, operator), days, rows)
    )


async def statements(request: web.Request, operator: Operator) -> web.StreamResponse:
    """``GET /studio/statements?days=N&before=S&format=F``: posted epochs that began before a time, Unix s.

    The page shows ``PAGE_ROWS`` of them, a table all.
    """
    days, now_s = _days(request), await _now_ms(request) // 1000
    before = _before(request, now_s + 1)
    limit = PAGE_ROWS if request.query.get("format", "html") == "html" else ALL_ROWS
    rows = await request.app[VIEWS].statements(now_s - days * DAY_S, before, limit)
    older = rows[-1].starts_s if len(rows) == limit else None
    return _table(request, "statements", tables.EPOCH_COLUMNS, tables.epoch_rows(rows)) or _html(
        request, request.app[DASHBOARD].statements(_viewer(request, operator), days, rows, older)
    )


async def statement(request: web.Request, operator: Operator) -> web.StreamResponse:
    """``GET /studio/statements/SERVER/EPOCH?format=F``: one posted epoch with its lines."""
    server = from_hex(request.match_info["server"], 20)
    found = await request.app[VIEWS].statement(server, int(request.match_info["epoch"]))
    if found is None:
        return await not_found(request)
    try:
        # The settings may have a password in it.
        shown = place(await request.app[DIRECTORY].url(server))
    except GomaaError:
        shown = "URL"
    page = request.app[DASHBOARD].statement(_viewer(request, operator), found, request.app[ADDRESS], shown)
    return _table(request, f"statement-{found.row.epoch}", tables.LINE_COLUMNS, tables.line_rows(found)) or _html(
        request, page
    )


def _signed_in(page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The page for a signed-in operator; the form to sign in for everybody else."""

    async def handler(request: web.Request) -> web.StreamResponse:
        operator = request.app[SESSIONS].operator(request.cookies.get(COOKIE))
        if operator is None:
            return _html(request, request.app[DASHBOARD].sign_in(_viewer(request, None)), 401)
        return await page(request, operator)

    return handler


def _require_same_site(request: web.Request) -> None:
    """Refuse a form that another site has sent: ``message.denied``."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Refusal("message.denied")


async def _require_form_key(request: web.Request, operator: Operator) -> None:
    _require_same_site(request)
    key = (await request.post()).get("form_key", "")
    if not isinstance(key, str) or not hmac.compare_digest(key.encode(), operator.form_key.encode()):
        raise Refusal("message.denied")


def _viewer(request: web.Request, operator: Operator | None) -> Viewer:
    chosen = request.query.get("language") or request.cookies.get(LANGUAGE)
    language = language_of(chosen, request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
    return Viewer(language, None if operator is None else operator.form_key)


async def _now_ms(request: web.Request) -> int:
    """The chain's time, Unix ms; this computer's where the chain does not answer, since the pages say so then."""
    try:
        return await request.app[CHAIN].now_ms()
    except GomaaError:
        return time.time_ns() // 1_000_000


def _days(request: web.Request) -> int:
    """The range of a page. Raises InputError ``message.schema``."""
    text = request.query.get("days", str(DEFAULT_DAYS))
    if text not in map(str, RANGES):
        raise InputError("message.schema", field="days", reason=f"one of {', '.join(map(str, RANGES))}")
    return int(text)


def _before(request: web.Request, latest: int) -> int:
    """The end of a list, Unix s. Raises InputError ``message.schema``."""
    text = request.query.get("before", str(latest))
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise InputError("message.schema", field="before", reason="Unix seconds")
    return min(int(text), latest)


def _table(
    request: web.Request, name: str, columns: Sequence[str], rows: Sequence[TableRow]
) -> web.StreamResponse | None:
    """The table as CSV or JSON where the request asks for one, or None.

    Raises:
        InputError: ``message.schema``: another format.
    """
    form = request.query.get("format", "html")
    if form == "html":
        return None
    if form == "json":
        return answer({"rows": rows})
    if form != "csv":
        raise InputError("message.schema", field="format", reason="html, csv or json")
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return web.Response(text=as_csv(columns, rows), content_type="text/csv", charset="utf-8", headers=headers)


def _html(request: web.Request, text: str, status: int = 200) -> web.Response:
    headers = {"Content-Security-Policy": STUDIO_POLICY, "Cache-Control": "no-store"}
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=headers)
    chosen = request.query.get("language")
    if chosen in LANGUAGES:
        response.set_cookie(LANGUAGE, chosen, max_age=LANGUAGE_S, path="/studio", httponly=True, samesite="Strict")
    return response
