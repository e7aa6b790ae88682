"""The operator's listener: metrics, health and the operator's page, apart from the public address."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from yarl import URL

from common.style import LAMPLIGHT
from security_server.operations.metrics import Metrics
from security_server.operations.operator_page import OperatorPage
from security_server.operations.overview import OverviewSource
from security_server.operations.overview_metrics import OverviewCollector

log = logging.getLogger("gomaa.server")

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STYLE: Final = Path(__file__).with_name("operator.css")
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OperatorApp:
    """The application of the settings ``operator_host`` and ``operator_port``.

    A request of this machine to a loopback name needs no token, any other the admin token: as a bearer token, or as the
    password of HTTP basic authentication, which a browser asks for.
    """

    def __init__(self, *, metrics: Metrics, overview: OverviewSource, page: OperatorPage, token: str) -> None:
        self._metrics = metrics
        self._overview = overview
        self._page = page
        self._token = token
        self._collector = OverviewCollector()
        metrics.registry.register(self._collector)

    def application(self, middlewares: list[Any], probes: list[web.RouteDef]) -> web.Application:
        """The application.

        Args:
            middlewares: Outermost first; the check of the token comes after them.
            probes: Routes of health and readiness, which need no token.
        """
        app = web.Application(middlewares=[*middlewares, self._guard])
        app.add_routes(probes)
        app.add_routes(
            [
                web.get("/", self.page),
                web.get("/metrics", self.metrics),
                web.get("/lamplight.css", self.style),
                web.get("/operator.css", self.style),
            ]
        )
        return app

    async def page(self, _request: web.Request) -> web.Response:
        """The operator's page."""
        return web.Response(text=self._page.render(await self._overview.read()), content_type="text/html")

    async def metrics(self, _request: web.Request) -> web.Response:
        """Metrics in Prometheus' text format."""
        try:
            self._collector.overview = await self._overview.read()
        except Exception:
            # The counters are worth most while the database fails.
            log.exception("reading the overview failed")
            self._collector.overview = None
        return web.Response(body=self._metrics.text(), headers={"Content-Type": METRICS_TYPE})

    async def style(self, request: web.Request) -> web.FileResponse:
        """Style sheets of the page."""
        return web.FileResponse(LAMPLIGHT if request.path == "/lamplight.css" else STYLE)

    @property
    def _guard(self) -> Any:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not (request.path.startswith("/v1/") or _is_local(request) or self._has_token(request)):
                challenge = {"WWW-Authenticate": 'Basic realm="security server", charset="UTF-8"'}
                return web.Response(status=401, text="The admin token is needed.\n", headers=HEADERS | challenge)
            response = await handler(request)
            response.headers.update(HEADERS)
            return response

        return guard

    def _has_token(self, request: web.Request) -> bool:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return False
        elif kind.lower() != "bearer":
            return False
        return hmac.compare_digest(given.encode(), self._token.encode())


def _is_local(request: web.Request) -> bool:
    """True for this machine's request to a loopback name: another name may be a site's that resolves to it."""
    try:
        peer = ipaddress.ip_address(request.remote or "")
        host = URL(f"http://{request.host}").host
    except ValueError:
        return False
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via"))
    return peer.is_loopback and host in LOOPBACK and not forwarded
