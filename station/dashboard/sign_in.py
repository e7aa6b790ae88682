"""Sign-in of the operator: the admin token, then a cookie."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from pywallet.errors import Refusal

COOKIE: Final = "gomaa-operator"
"""Name of the cookie."""
SESSION_S: Final = 12 * 3600.0
"""Validity of a sign-in, s."""
MOST_SESSIONS: Final = 64
"""Sign-ins at once; the oldest one ends."""
ATTEMPTS_PER_MINUTE: Final = 10
"""Attempts to sign in from one network address."""


def is_admin_token(file: Path | None, token: str) -> bool:
    """True if a token is the one in the admin token's file.

    Args:
        file: The file; None, a missing and an empty one admit nobody.
        token: What was sent.
    """
    try:
        expected = file.read_text(encoding="utf-8").strip() if file is not None else ""
    except (OSError, UnicodeDecodeError):
        expected = ""
    return bool(expected) and hmac.compare_digest(token.strip().encode(), expected.encode())


@dataclass(frozen=True, slots=True)
class Operator:
    """A signed-in operator.

    Attributes:
        ends_s: End of the sign-in by the monotonic clock, s.
        form_key: Secret that each of the operator's forms contains: a form of another site has none.
    """

    ends_s: float
    form_key: str


class OperatorSessions:
    """Sign-ins, in memory: a restart of the station ends them.

    Args:
        token_file: File of the admin token.
        clock: A monotonic clock, s.
    """

    def __init__(self, token_file: Path | None, clock: Callable[[], float]) -> None:
        self._token_file = token_file
        self._clock = clock
        self._sessions: dict[bytes, Operator] = {}

    def sign_in(self, token: str) -> str:
        """The cookie's value for an operator with the admin token.

        Raises:
            Refusal: ``message.denied``.
        """
        if not is_admin_token(self._token_file, token):
            raise Refusal("message.denied")
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        cookie = secrets.token_urlsafe(32)
        self._sessions[_name(cookie)] = Operator(self._clock() + SESSION_S, secrets.token_urlsafe(32))
        return cookie

    def operator(self, cookie: str | None) -> Operator | None:
        """The operator of a cookie, or None."""
        if cookie is None:
            return None
        found = self._sessions.get(_name(cookie))
        if found is not None and self._clock() >= found.ends_s:
            del self._sessions[_name(cookie)]
            return None
        return found

    def sign_out(self, cookie: str) -> None:
        """End a sign-in."""
        self._sessions.pop(_name(cookie), None)


def _name(cookie: str) -> bytes:
    """Key of a cookie in memory, its hash: a lookup by hash takes the same time for every guess."""
    return sha256(cookie.encode()).digest()
