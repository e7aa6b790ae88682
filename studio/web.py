"""HTTP of the studio's page, on loopback; every URL contains a secret token, and other origins are refused."""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from common.http_body import read_up_to
from common.style import LAMPLIGHT
from pywallet.errors import GomaaError, InputError, Unavailable
from studio.release_service import ReleaseService

SERVICE: Final = web.AppKey("service", ReleaseService)
TOKEN: Final = web.AppKey("token", str)

_STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_MAX_JSON: Final = 64 << 10
_MAX_RECORDING: Final = 16 << 30
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # The URL contains the token.
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(service: ReleaseService, token: str | None = None) -> web.Application:
    """The application.

    Args:
        service: Handles the requests.
        token: First part of every path; None: 256 random bits.
    """
    app = web.Application(middlewares=[_guard])
    app[SERVICE], app[TOKEN] = service, token or secrets.token_urlsafe(32)
    app.add_routes(
        [
            web.get("/{token}/", _page),
            web.get("/{token}/{name:[a-z]+[.](?:js|css|svg)}", _page),
            web.get("/{token}/api/state", _state),
            web.put("/{token}/api/recordings", _upload),
            web.get("/{token}/api/recordings/{id}/cover", _cover),
            web.get("/{token}/api/recordings/{id}/preview", _preview),
            web.post("/{token}/api/terms", _terms),
            web.post("/{token}/api/releases", _release),
            web.post("/{token}/api/releases/{id}/again", _retry),
            web.get("/{token}/api/releases/{id}/events", _events),
        ]
    )
    app.on_response_prepare.append(_headers)
    app.on_shutdown.append(_close)
    return app


async def _close(app: web.Application) -> None:
    await app[SERVICE].close()


async def _headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Access control: Host is a loopback name (against DNS rebinding), the token matches, the origin is the page's."""
    socket = request.transport.get_extra_info("sockname") if request.transport else None
    hosts = {f"127.0.0.1:{socket[1]}", f"localhost:{socket[1]}"} if socket else set()
    if request.host not in hosts:
        return _answer({"error": {"code": "message.denied", "message": "This address is not the studio's."}}, 421)
    if not hmac.compare_digest(request.match_info.get("token", "").encode(), request.app[TOKEN].encode()):
        return _answer(
            {"error": {"code": "message.denied", "message": "Open the address that gomaa studio printed."}}, 404
        )
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "same-origin")
    cross_origin = origin is not None and origin != f"http://{request.host}"
    without_origin = origin is None and request.method not in ("GET", "HEAD")
    # Navigation to the page is allowed from other sites, requests to the API are not.
    is_navigation = (
        request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET" and "/api/" not in request.path
    )
    if cross_origin or without_origin or (site not in ("same-origin", "none") and not is_navigation):
        return _answer({"error": {"code": "message.denied", "message": "Another site may not ask this."}}, 403)
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except GomaaError as e:
        return _answer({"error": e.to_json()}, 503 if isinstance(e, Unavailable) else 400)
    except OSError as e:
        return _answer({"error": {"code": "internal", "message": f"The computer says: {e.strerror or e}"}}, 507)


def _answer(value: Any, status: int = 200) -> web.Response:
    return web.json_response(value, status=status)


async def _body(request: web.Request) -> Any:
    if request.content_type != "application/json" or (request.content_length or 0) > _MAX_JSON:
        raise InputError("message.schema", reason="a small JSON object")
    try:
        raw = await read_up_to(request.content, _MAX_JSON + 1)
        if len(raw) > _MAX_JSON:
            raise InputError("message.schema", reason="a small JSON object")
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise InputError("message.schema", reason="not JSON") from None


async def _page(request: web.Request) -> web.StreamResponse:
    name = request.match_info.get("name", "index.html")
    path = LAMPLIGHT if name == LAMPLIGHT.name else _STATIC / name
    if not path.is_file():
        raise web.HTTPNotFound
    return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8")


async def _state(request: web.Request) -> web.StreamResponse:
    return _answer(await request.app[SERVICE].state())


async def _upload(request: web.Request) -> web.StreamResponse:
    """Receive a recording into a file, and analyse it."""
    if (request.content_length or 0) > _MAX_RECORDING:
        raise InputError("message.schema", reason="a recording of at most 16 GiB")
    service, size = request.app[SERVICE], 0
    upload = service.open(request.query.get("name", ""))
    try:
        with upload.path.open("wb") as file:
            async for chunk in request.content.iter_chunked(1 << 18):
                size += len(chunk)
                if size > _MAX_RECORDING:
                    raise InputError("message.schema", reason="a recording of at most 16 GiB")
                file.write(chunk)
    except BaseException:
        upload.path.unlink(missing_ok=True)
        raise
    return _answer(await service.analyse(upload))


async def _cover(request: web.Request) -> web.StreamResponse:
    analysis = request.app[SERVICE].upload(request.match_info["id"]).analysis
    if analysis is None or analysis.artwork is None:
        raise web.HTTPNotFound
    return web.Response(body=analysis.artwork.data, content_type=analysis.artwork.mime)


async def _preview(request: web.Request) -> web.StreamResponse:
    layers = tuple(layer for layer in request.query.get("layers", "").split(",") if layer)
    return web.Response(
        body=await request.app[SERVICE].preview(request.match_info["id"], layers), content_type="audio/wav"
    )


async def _terms(request: web.Request) -> web.StreamResponse:
    return _answer(await request.app[SERVICE].explain(await _body(request)))


async def _release(request: web.Request) -> web.StreamResponse:
    return _answer((await request.app[SERVICE].start(await _body(request))).to_json(), 202)


async def _retry(request: web.Request) -> web.StreamResponse:
    return _answer(request.app[SERVICE].retry(request.match_info["id"]).to_json(), 202)


async def _events(request: web.Request) -> web.StreamResponse:
    """A release's state as server-sent events; each has the whole state, so a reconnection misses nothing."""
    service = request.app[SERVICE]
    service.release(request.match_info["id"])
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        async for state in service.watch(request.match_info["id"]):
            await response.write(b"data: " + json.dumps(state).encode() + b"\n\n")
    return response
