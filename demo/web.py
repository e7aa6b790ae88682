"""Small HTTP reads of the demo's own servers."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from pywallet.crypto import address_of, sign
from pywallet.encoding.hex import to_hex
from pywallet.protocol import statement_digest

if TYPE_CHECKING:
    from demo.stack import Stack


def account(stack: Stack, key: bytes) -> dict[str, int]:
    """A payer's account at the security server, wei, asked for with the payer's key."""
    time_s = int(time.time())
    digest = statement_digest(stack.server_address, time_s)
    asked = {"payer": to_hex(address_of(key)), "time_s": time_s, "signature": to_hex(sign(key, digest))}
    return {name: int(amount) for name, amount in get_json(f"{stack.server_url}/v1/accounts", asked).items()}


def get_json(url: str, posted: Any = None, *, raw: bool = False) -> Any:
    """The answer to a GET, or to a POST of ``posted``, as JSON or as bytes.

    RuntimeError with the server's words on failure.
    """
    try:
        body = None if posted is None else json.dumps(posted).encode()
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=60) as response:
            body = response.read()
    except urllib.error.HTTPError as e:
        raise RuntimeError(f"{url}: {e.code} {e.read()[:300].decode(errors='replace')}") from None
    return body if raw else json.loads(body)
