"""HTTP client of a security server for owners: identity, uploads, moves (docs/protocol.md section 4)."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final

from common.http_body import read_reply
from pywallet.crypto import sign
from pywallet.crypto.key_wrap import UPLOAD_INFO, WrapKey
from pywallet.encoding.hex import (
    from_b64,
    from_hex,
    to_b64,
    to_hex,
)
from pywallet.errors import GomaaError, InputError, Unavailable
from pywallet.protocol import Domain, upload_digest
from pywallet.protocol.foreign_errors import error_from
from pywallet.sps import Header

TIMEOUT_S: Final = 15
MAX_KEYS: Final = 4096
MAX_UPLOAD: Final = 8 << 20
"""Largest upload, bytes; ``MAX_KEYS``: most keys of an upload (docs/protocol.md section 4)."""
_MAX_RESPONSE: Final = 1 << 20


@dataclass(frozen=True)
class ServerInfo:
    """A server's URL, account (20 bytes) and X25519 key (32 bytes)."""

    url: str
    address: bytes
    key: bytes


def fetch_info(url: str, domain: Domain) -> ServerInfo:
    """Fetch a server's identity.

    Raises:
        Unavailable: ``server.*``.
        InputError: ``sps.header.chain``: a server of another network.
    """
    base = _base(url)
    value = _request("GET", f"{base}/v1/info")
    try:
        chain_id, settlement = int(value["chain_id"]), from_hex(value["settlement"], 20)
        key = from_b64(value["key"])
        info = ServerInfo(base, from_hex(value["server"], 20), key)
    except (KeyError, TypeError, ValueError, InputError):
        raise Unavailable("server.protocol", url=base) from None
    if len(key) != 32:
        raise Unavailable("server.protocol", url=base)
    if (chain_id, settlement) != (domain.chain_id, domain.settlement):
        raise InputError("sps.header.chain", server=chain_id, deployment=domain.chain_id)
    return info


def upload_body(
    header: Header, cose: bytes, keys: dict[int, bytes], owner_key: bytes, exchange: bytes
) -> dict[str, Any]:
    """The JSON of ``PUT /v1/contents/{content}``: content keys wrapped to the server's X25519 key.

    Args:
        header: The song's header.
        cose: The signed header.
        keys: Content keys (32 bytes) by key epoch.
        owner_key: The owner's private key, 32 bytes.
        exchange: The server's X25519 key, 32 bytes.

    Raises:
        InputError: ``message.schema``: an invalid ``exchange``, or more than a server takes.
    """
    wrap = WrapKey.to(exchange, UPLOAD_INFO)
    rows = [(epoch, wrap.wrap(key, header.content + epoch.to_bytes(4, "big"))) for epoch, key in sorted(keys.items())]
    digest = upload_digest(header.content, cose, wrap.ephemeral, [wrapped for _, wrapped in rows])
    body = {
        "header": to_b64(cose),
        "ephemeral": to_b64(wrap.ephemeral),
        "keys": [[epoch, to_b64(wrapped)] for epoch, wrapped in rows],
        "signature": to_hex(sign(owner_key, digest)),
    }
    if len(rows) > MAX_KEYS or len(json.dumps(body)) > MAX_UPLOAD:
        raise InputError(
            "message.schema", field="keys", reason=f"a server takes {MAX_KEYS} keys and {MAX_UPLOAD} bytes at most"
        )
    return body


def put_song(url: str, content: bytes, body: dict[str, Any]) -> None:
    """Upload the result of ``upload_body``; idempotent.

    Raises:
        Unavailable: ``server.*``.
        GomaaError: The server's refusal.
    """
    _request("PUT", f"{_base(url)}/v1/contents/{to_hex(content)}", body)


def take_over(url: str, content: bytes) -> int:
    """Request that a server takes over a content proposed to it; returns the first epoch in which it serves.

    Raises:
        Unavailable: ``server.*``.
        GomaaError: The server's refusal.
    """
    value = _request("POST", f"{_base(url)}/v1/moves", {"content": to_hex(content)}).get("from_epoch")
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise Unavailable("server.protocol", url=url)
    return value


def _base(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise InputError("message.schema", field="server", reason="an http or https URL")
    return url.rstrip("/")


def _request(method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - _base checked the scheme
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
            raw = read_reply(reply, _MAX_RESPONSE)
    except urllib.error.HTTPError as e:
        raise _refusal(e.read(_MAX_RESPONSE), e.code, url) from None
    except (OSError, ValueError, HTTPException) as e:
        raise Unavailable("server.unreachable", url=url, reason=e) from None
    return _object(raw, url)


def _object(raw: bytes, url: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Unavailable("server.protocol", url=url)
    return value


def _refusal(raw: bytes, status: int, url: str) -> GomaaError:
    """The error of a response; an unknown code becomes ``server.*``."""
    return error_from("server", _object(raw, url).get("error"), url=url, status=status)
