"""HTTP responses of the station: headers, coded errors, JSON bodies, and song files by range."""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiohttp import hdrs, web
from msgspec import Struct

from messages.station_http import BODY_HEADER
from pywallet.errors import GomaaError, InputError
from pywallet.protocol.http_status import http_status

log = logging.getLogger("gomaa.station")

S = TypeVar("S", bound=Struct)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Range, Content-Length, Accept-Ranges, ETag",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Headers of resources that any site may fetch: sealed files, covers, the station's record."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""Cache-Control of resources named by their hash; a song may be replaced under its name."""
REVALIDATED = "no-cache"
"""Cache-Control of everything else: cached, and revalidated by entity tag."""


def problem(error: GomaaError) -> web.Response:
    """An error in the form of docs/protocol.md section 1."""
    response = answer({"error": error.to_json()}, http_status(error))
    if response.status in (429, 503):
        response.headers["Retry-After"] = str(error.detail.get("retry_after", 10 if response.status == 503 else 60))
    if response.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def answer(value: Any, status: int = 200) -> web.Response:
    """A JSON response with ``no-store``; ``value`` is a struct or built-in values."""
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        headers={"Cache-Control": "no-store"},
        content_type="application/json",
        charset="utf-8",
    )


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: coded errors for expected failures, ``internal`` for all others."""
    try:
        return await handler(request)
    except GomaaError as error:
        return problem(error)
    except web.HTTPException:
        raise
    except Exception:
        log.exception("%s %s", request.method, request.path)
        return problem(GomaaError("internal"))


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: default headers of every response."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", REVALIDATED)


def validated(request: web.Request, response: web.Response) -> web.Response:
    """The response with an entity tag of its body, or status 304 where the request names that tag."""
    raw = response.body
    if response.status != 200 or not isinstance(raw, bytes):
        return response
    etag = response.etag = sha256(raw).hexdigest()[:32]
    # Weak tags match as well: a cache may have weakened it.
    if any(tag.value in ("*", etag) for tag in request.if_none_match or ()):
        headers = {
            name: value
            for name, value in response.headers.items()
            if name not in (hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH)
        }
        return web.Response(status=304, headers=headers)
    return response


async def body(request: web.Request, kind: type[S]) -> S:
    """Decode the request's JSON object: its body, or a GET's header ``GoMAA-Ask``.

    Raises:
        InputError: ``message.schema``.
        web.HTTPMethodNotAllowed: A GET without that header.
    """
    if request.method == hdrs.METH_GET:
        # A foreign page needs a CORS preflight for this header, which is never allowed.
        if BODY_HEADER not in request.headers:
            raise web.HTTPMethodNotAllowed(request.method, [hdrs.METH_POST])
        return _decode(_base64url(request.headers[BODY_HEADER]), kind)
    if request.content_type != "application/json":
        # A foreign page needs a CORS preflight for this type, which is never allowed.
        raise InputError("message.schema", reason="application/json wanted")
    try:
        return _decode(await request.read(), kind)
    except web.HTTPRequestEntityTooLarge as error:
        raise InputError("message.schema", reason="too long") from error


def _base64url(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise InputError("message.schema", reason="not base64url") from error


def _decode(data: bytes, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InputError("message.schema", reason=str(error)[:200]) from None


class SongFile(web.FileResponse):
    """A file by range, also with an entity tag in ``If-Range`` (RFC 9110 section 13.1.5).

    aiohttp supports ``If-Range`` with a date only.
    """

    def __init__(self, path: Path, cache: str = REVALIDATED) -> None:
        super().__init__(path, headers={**OPEN, "Cache-Control": cache, "Content-Type": "application/sps"})

    async def prepare(self, request: web.BaseRequest) -> Any:
        """See FileResponse; the whole file where ``If-Range`` names another version."""
        condition = request.headers.get(hdrs.IF_RANGE, "")
        if condition.startswith(('"', "W/")) and hdrs.RANGE in request.headers:
            stat = self._path.stat()
            if condition != f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"':
                headers = request.headers.copy()
                del headers[hdrs.RANGE]
                request = request.clone(headers=headers)
        return await super().prepare(request)
