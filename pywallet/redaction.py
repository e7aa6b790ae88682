"""What of a text may be logged and what may be sent to others.

URLs carry API keys and passwords, paths describe the machine.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

_URL: Final = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://[^\s\"'<>|]+")
_PATH: Final = re.compile(r"(?<![\w/.:])(?:~|[A-Za-z]:)?[\\/][^\s\"'<>|:,;)]+")
_SHORTEST: Final = 6
"""Characters.

A shorter part of a URL is no secret, and replacing it would make a message unreadable (``v2``, ``main``).
"""
HIDDEN: Final = "[hidden]"


def place(url: str) -> str:
    """``scheme://host[:port]`` of a URL: what a log may name of it. ``[hidden]`` where it has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return HIDDEN
    if not parts.scheme or not host:
        return f"{parts.scheme}://" if parts.scheme else HIDDEN
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}" + (f":{port}" if port is not None else "")


def redact(text: str) -> str:
    """The text with every URL cut to its place: for logs and for an operator's terminal."""
    return _URL.sub(lambda found: place(found[0]), text)


def conceal(text: str) -> str:
    """The text without any URL and without any path of this machine: for everybody else."""
    return _PATH.sub(HIDDEN, _URL.sub(HIDDEN, text))


def without_parts_of(url: str, text: str) -> str:
    """The text without the user, password, path and query parts of ``url``: a node may repeat them in its own words."""
    try:
        parts = urlsplit(url)
        found = {
            parts.username or "",
            parts.password or "",
            parts.fragment,
            *re.split(r"[/;]", parts.path),
            *re.split(r"[&=;]", parts.query),
        }
    except ValueError:
        return HIDDEN
    secrets = {one for part in found for one in (part, unquote(part)) if len(one) >= _SHORTEST}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return redact(text)
