"""Small HTTP reads of the demo's own servers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


def get_json(url: str, *, raw: bool = False) -> Any:
    """The answer to a GET, as JSON or as bytes. RuntimeError with the server's words on failure."""
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            body = response.read()
    except urllib.error.HTTPError as e:
        raise RuntimeError(f"{url}: {e.code} {e.read()[:300].decode(errors='replace')}") from None
    return body if raw else json.loads(body)
