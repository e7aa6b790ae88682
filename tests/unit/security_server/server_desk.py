"""One listener, one station, one song, straight in the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import insert

from pywallet.policy import Policy
from pywallet.protocol import (
    Action,
    Domain,
    Invocation,
    digest,
)
from security_server.db.connection import Connection
from security_server.db.tables import sessions, tickets
from security_server.playback.conditions import Conditions, VerifiedInvocation
from security_server.playback.invocations import Outcome, accept

DOMAIN = Domain(31337, b"\x55" * 20)
STATION, LISTENER, DEVICE, PAYEE, OWNER, CONTENT = (bytes([n]) * 20 for n in range(1, 7))
START_MS = 1_700_000_000_000


class _Undone(Exception):
    """Ends a savepoint without a trace."""


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """A part of a test whose changes are undone at its end."""
    try:
        with connection.savepoint():
            yield
            raise _Undone
    except _Undone:
        pass


@dataclass
class Desk:
    """Drives ``accept`` the way a host would."""

    connection: Connection
    policy: Policy
    now: Conditions
    tickets: list[bytes] = field(default_factory=list)
    sequence: dict[bytes, int] = field(default_factory=dict)
    duration_ms: int | None = None

    def session(
        self, listener: bytes = LISTENER, payee: bytes = PAYEE, device: bytes = DEVICE, number: int = 1
    ) -> bytes:
        """A session row."""
        identity = bytes([number]) * 32
        times = {
            "not_before_s": START_MS // 1000 - 3_600,
            "not_after_s": START_MS // 1000 + 7 * 86_400,
            "opened_ms": START_MS,
        }
        row = {
            "station_address": STATION,
            "listener": listener,
            "device": device,
            "payee": payee,
            "signature": bytes(65),
        }
        self.connection.execute(insert(sessions).values(id=identity, **row, **times))
        self.sequence[identity] = 0
        return identity

    def ticket(
        self, session: bytes, number: int, price: int = 700, reward: int = 300, expiry_s: int = 3_600, **changes: Any
    ) -> bytes:
        """A ticket row."""
        identity = changes.pop("id", None) or bytes([100 + number]) * 32
        row = {
            "station_address": STATION,
            "payer": STATION,
            "listener": LISTENER,
            "payee": PAYEE,
            "content": CONTENT,
            "header_owner": OWNER,
            "number": number,
        }
        money = {
            "price": price,
            "reward": reward,
            "bps": 500,
            "interval_s": self.policy.price.interval_s,
            "signature": bytes(65),
        }
        times = {"expiry_s": START_MS // 1000 + expiry_s, "opened_ms": self.now.time_ms}
        self.connection.execute(
            insert(tickets).values(id=identity, session=session, **{**row, **money, **times, **changes})
        )
        return identity

    def wait(self, seconds: float) -> None:
        """Let the server's clock go on."""
        self.now = replace(self.now, time_ms=self.now.time_ms + round(seconds * 1000))

    def item(
        self,
        session: bytes,
        ticket: bytes,
        action: str,
        position_ms: int = 0,
        time_ms: int | None = None,
        **changes: int,
    ) -> VerifiedInvocation:
        """A signed action, numbered after the last one."""
        self.sequence[session] += 1
        values = {
            "position": position_ms,
            "sequence": self.sequence[session],
            "time": self.now.time_ms if time_ms is None else time_ms,
        }
        message = Invocation(
            session=session, ticket=ticket, content=CONTENT, action=int(Action.of(action)), **{**values, **changes}
        )
        return VerifiedInvocation(digest(message, DOMAIN), message, bytes(65), DEVICE)

    def give(self, item: VerifiedInvocation) -> Outcome:
        """Hand an action to the server."""
        return accept(self.connection, item, self.policy, self.now, 20_000, duration_ms=self.duration_ms)

    def act(
        self, session: bytes, ticket: bytes, action: str, position_ms: int = 0, time_ms: int | None = None
    ) -> Outcome:
        """Do one action now."""
        return self.give(self.item(session, ticket, action, position_ms, time_ms))

    def hear(self, session: bytes, ticket: bytes, seconds: int, from_ms: int = 0) -> Outcome:
        """Play on, with a renewal every five seconds."""
        outcome = Outcome(None, 0)
        for second in range(5, seconds + 1, 5):
            self.wait(5)
            outcome = self.act(session, ticket, "renew", from_ms + second * 1000)
        return outcome


def terms(**changes: Any) -> Policy:
    """Ten-second intervals, three plays, two seeks."""
    raw: dict[str, Any] = {
        "permissions": ["play", "seek"],
        "price": {"interval_s": 10, "owner": 700, "reward": 300},
        "counts": {"play": {"limit": 3}, "seek": {"limit": 2}},
    }
    return Policy.from_dict({**raw, **changes})
