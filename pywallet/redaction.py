"""Redaction of texts for logs and for other parties.

URLs may hold API keys and passwords; paths describe the machine.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

_URL: Final = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://[^\s\"'<>|]+")
_PATH: Final = re.compile(r"(?<![\w/.:])(?:~|[A-Za-z]:)?[\\/][^\s\"'<>|:,;)]+")
_MIN_SECRET: Final = 6
"""Shortest part of a URL that is replaced, characters.

A shorter one is no secret, and replacing it would make a message unreadable (``v2``, ``main``).
"""
HIDDEN: Final = "[hidden]"
_LONG_HEX: Final = re.compile(r"(?<![0-9A-Za-z])(0x|\\x)?([0-9a-fA-F]{8})[0-9a-fA-F]{56,}(?![0-9A-Za-z])")
"""Hexadecimal digits of 32 bytes or more: a key, a signature, or the digest of a session, ticket or invocation."""
_COLUMN: Final = re.compile(r"\\x[0-9a-fA-F]{16,}")
"""Bytes as PostgreSQL writes them in the detail of an error."""
_LITERAL: Final = re.compile(r"""\bb(?:'(?:[^'\\\n]|\\.){8,}'|"(?:[^"\\\n]|\\.){8,}")""")
"""Bytes as Python writes them in a traceback."""


def place(url: str) -> str:
    """``scheme://host[:port]`` of a URL, which may be logged; ``[hidden]`` where it has no host."""
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
    """Reduce every URL of a text to scheme, host and port, for logs and an operator's terminal."""
    return _URL.sub(lambda match: place(match[0]), text)


def hide_identifiers(text: str) -> str:
    """Shorten hexadecimal values of 32 bytes or more to their first four, and remove raw bytes, for a server's logs.

    A session, ticket, key or signature is not recognisable by four bytes; the hash of a transaction can still be
    looked up. Addresses stay: the program writes those of servers, contents and challenged payees only.
    """
    text = _LITERAL.sub(HIDDEN, text)
    text = _LONG_HEX.sub(lambda match: f"{match[1] or ''}{match[2]}…", text)
    return _COLUMN.sub(HIDDEN, text)


def conceal(text: str) -> str:
    """Remove every URL and every path of this machine from a text, for other parties."""
    return _PATH.sub(HIDDEN, _URL.sub(HIDDEN, text))


def without_parts_of(url: str, text: str) -> str:
    """Remove the user, password, path and query parts of ``url`` from a text: a node may repeat them in an error."""
    try:
        parts = urlsplit(url)
        parts_of_url = {
            parts.username or "",
            parts.password or "",
            parts.fragment,
            *re.split(r"[/;]", parts.path),
            *re.split(r"[&=;]", parts.query),
        }
    except ValueError:
        return HIDDEN
    secrets = {form for part in parts_of_url for form in (part, unquote(part)) if len(form) >= _MIN_SECRET}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return redact(text)
