"""Sessions, tickets, invocations and usage counters: the tables that an invocation changes."""

from __future__ import annotations

from dataclasses import astuple, fields, replace
from typing import Final

from native_host.ledger.base import Rows
from native_host.ledger.tables import InvocationRow, SessionRow, TicketRow, UsageRow
from pywallet.policy import Count, Meter, Policy, Usage, recurrence_start
from pywallet.protocol.actions import STARTS

_SESSION: Final = ", ".join(f.name for f in fields(SessionRow))
_TICKET: Final = ", ".join(f.name for f in fields(TicketRow))
_ENTRY: Final = ", ".join(f.name for f in fields(InvocationRow))
_USAGE: Final = ", ".join(f.name for f in fields(UsageRow))
_COUNTED: Final = (
    "listener = ? AND content = ? AND action = ? AND action <> 'renew' AND state <> 'refused' AND uncounted = 0"
)


class InvocationStore(Rows):
    """Reads and changes of an invocation's transaction. Changes belong inside ``Ledger.write``."""

    def add_content(self, content: bytes, title: str, artist: str) -> None:
        """Record a content's title and artist."""
        self._change("INSERT OR REPLACE INTO contents VALUES (?, ?, ?)", content, title, artist)

    def add_session(self, row: SessionRow) -> None:
        """Record a session; one that is recorded already keeps its sequence."""
        self._change(f"INSERT OR IGNORE INTO sessions ({_SESSION}) VALUES ({_marks(SessionRow)})", *astuple(row))  # noqa: S608

    def session(self, session: bytes) -> SessionRow | None:
        """The session with this id."""
        rows = self._rows(f"SELECT {_SESSION} FROM sessions WHERE id = ?", session)  # noqa: S608
        return SessionRow(*rows[0]) if rows else None

    def longest_session(self, station: bytes, listener: bytes | None, until_s: int) -> SessionRow | None:
        """The longest session with a station (of one listener, if given) that lasts past ``until_s``."""
        rows = self._rows(
            f"SELECT {_SESSION} FROM sessions WHERE station_address = ? AND not_after_s > ? "  # noqa: S608
            "AND (? IS NULL OR listener = ?) ORDER BY not_after_s DESC LIMIT 1",
            station,
            until_s,
            listener,
            listener,
        )
        return SessionRow(*rows[0]) if rows else None

    def sessions_with(self, content: bytes, station: bytes) -> list[SessionRow]:
        """The sessions at a station in which a content was played, latest first."""
        columns = ", ".join(f"s.{name}" for name in _SESSION.split(", "))
        rows = self._rows(
            f"SELECT {columns} FROM tickets t JOIN sessions s ON s.id = t.session "  # noqa: S608
            "WHERE t.content = ? AND s.station_address = ? ORDER BY t.prepared_s DESC",
            content,
            station,
        )
        return [SessionRow(*row) for row in rows]

    def next_sequence(self, session: bytes) -> int:
        """Allocate the next sequence number of a session.

        Unique across hosts: the transaction holds the write lock until it ends.
        """
        rows = self._rows("UPDATE sessions SET sequence = sequence + 1 WHERE id = ? RETURNING sequence", session)
        return int(rows[0][0])

    def raise_sequence(self, session: bytes, seen: int) -> None:
        """Allocate only sequence numbers above ``seen``, the last one at the server."""
        self._change(
            "UPDATE sessions SET sequence = max(sequence, ?), acknowledged = max(acknowledged, ?) WHERE id = ?",
            seen,
            seen,
            session,
        )

    def add_ticket(self, row: TicketRow) -> None:
        """Record a ticket; one that is recorded already keeps its meter."""
        values = astuple(replace(row, reward_wei=str(row.reward_wei)))  # type: ignore[arg-type]
        self._change(f"INSERT OR IGNORE INTO tickets ({_TICKET}) VALUES ({_marks(TicketRow)})", *values)  # noqa: S608

    def ticket(self, ticket: bytes) -> TicketRow | None:
        """The ticket with this id."""
        rows = self._rows(f"SELECT {_TICKET} FROM tickets WHERE id = ?", ticket)  # noqa: S608
        return ticket_row(rows[0]) if rows else None

    def last_ticket(self, content: bytes, station_domain: str, states: tuple[str, str]) -> TicketRow | None:
        """The ticket with a content's last invocation at a station, if its state is one of ``states``."""
        rows = self._rows(
            f"SELECT {_TICKET} FROM tickets WHERE content = ? AND station_domain = ? AND time_ms > 0 "  # noqa: S608
            "ORDER BY time_ms DESC LIMIT 1",
            content,
            station_domain,
        )
        row = ticket_row(rows[0]) if rows else None
        return row if row is not None and row.state in states else None

    def last_invocation(self, ticket: bytes) -> InvocationRow | None:
        """The latest invocation under a ticket."""
        rows = self._rows(f"SELECT {_ENTRY} FROM invocations WHERE ticket = ? ORDER BY sequence DESC LIMIT 1", ticket)  # noqa: S608
        return InvocationRow(*rows[0]) if rows else None

    def start_action(self, ticket: bytes) -> str | None:
        """The action that began a ticket's play; None before one."""
        rows = self._rows(
            f"SELECT action FROM invocations WHERE ticket = ? AND action IN ({', '.join('?' * len(STARTS))}) "  # noqa: S608
            "ORDER BY sequence LIMIT 1",
            ticket,
            *sorted(STARTS),
        )
        return str(rows[0][0]) if rows else None

    def add_invocation(self, entry: InvocationRow, meter: Meter, state: str, counts: bool = True) -> None:
        """Record an invocation, and update the ticket's meter and the listener's counters.

        Args:
            entry: The invocation.
            meter: The ticket's meter after it.
            state: The ticket's state after it.
            counts: True if it counts as a use.
        """
        self._change(f"INSERT INTO invocations ({_ENTRY}) VALUES ({_marks(InvocationRow)})", *astuple(entry))  # noqa: S608
        play = entry.action == "play" and counts
        if not counts:
            self._change(
                "UPDATE invocations SET uncounted = 1 WHERE session = ? AND sequence = ?", entry.session, entry.sequence
            )
        self._change(
            "INSERT INTO usage (listener, content, plays, seeks, first_play_s) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET plays = plays + excluded.plays, seeks = seeks + excluded.seeks, "
            "first_play_s = coalesce(first_play_s, excluded.first_play_s)",
            entry.listener,
            entry.content,
            int(play),
            int(entry.action == "seek" and counts),
            entry.time_ms // 1000 if play else None,
        )
        self.set_meter(entry.ticket, meter, state)

    def accepted(self, ticket: bytes) -> list[InvocationRow]:
        """The invocations under a ticket that no server has refused, oldest first."""
        rows = self._rows(
            f"SELECT {_ENTRY} FROM invocations WHERE ticket = ? AND state <> 'refused' ORDER BY sequence",  # noqa: S608
            ticket,
        )
        return [InvocationRow(*row) for row in rows]

    def set_meter(self, ticket: bytes, meter: Meter, state: str) -> None:
        """Set a ticket's meter and state; its listener's heard time changes by as much."""
        listener, content, before = self._rows("SELECT listener, content, heard_ms FROM tickets WHERE id = ?", ticket)[
            0
        ]
        self._change(
            "UPDATE tickets SET state = ?, heard_ms = ?, position_ms = ?, time_ms = ? WHERE id = ?",
            state,
            meter.heard_ms,
            meter.position_ms,
            meter.time_ms,
            ticket,
        )
        self._change(
            "UPDATE usage SET heard_ms = heard_ms + ? WHERE listener = ? AND content = ?",
            meter.heard_ms - before,
            listener,
            content,
        )

    def usage_row(self, listener: bytes, content: bytes) -> UsageRow:
        """The counters as stored."""
        rows = self._rows(f"SELECT {_USAGE} FROM usage WHERE listener = ? AND content = ?", listener, content)  # noqa: S608
        return UsageRow(*rows[0]) if rows else UsageRow()

    def held(self, listener: bytes, content: bytes, now_s: int, other_than: bytes) -> list[TicketRow]:
        """Tickets that reserve a play of a content at present, without the one with the digest ``other_than``."""
        rows = self._rows(
            f"SELECT {_TICKET} FROM tickets WHERE state = 'held' AND listener = ? AND content = ? AND expiry_s > ? "  # noqa: S608
            "AND id <> ?",
            listener,
            content,
            now_s,
            other_than,
        )
        return [ticket_row(row) for row in rows]

    def unused_holds(self, listener: bytes, content: bytes, since_ms: int) -> int:
        """Number of holds of a content since a time, Unix milliseconds, that no play of their ticket followed."""
        rows = self._rows(
            "SELECT count(*) FROM invocations i WHERE i.listener = ? AND i.content = ? AND i.action = 'hold' "  # noqa: S608
            "AND i.time_ms > ? AND i.state <> 'refused' AND NOT EXISTS (SELECT 1 FROM invocations p "
            "WHERE p.session = i.session AND p.ticket = i.ticket AND p.state <> 'refused' AND p.action IN "
            f"({', '.join('?' * len(STARTS))}))",
            listener,
            content,
            since_ms,
            *sorted(STARTS),
        )
        return int(rows[0][0])

    def usage(self, listener: bytes, content: bytes, policy: Policy, now_s: int, ticket: bytes | None = None) -> Usage:
        """A listener's usage of a content, which ``decide`` compares with the limits.

        The larger of the ledger's own count, and of the server's last count plus invocations that it does not have yet:
        a restored ledger and another computer of the same listener both count, and neither side can lower the other.

        Args:
            listener: Address of the listener key, 20 bytes.
            content: Address of the content, 20 bytes.
            policy: Terms of the content, which select the counts.
            now_s: Trusted time, Unix seconds.
            ticket: Digest of the ticket of the action, whose own hold does not count against it.
        """
        row = self.usage_row(listener, content)
        plays = max(row.plays, row.server_plays + self._pending(listener, content, "play"))
        seeks = max(row.seeks, row.server_seeks + self._pending(listener, content, "seek"))
        firsts = [first for first in (row.first_play_s, row.server_first_s) if first is not None]
        counts = {}
        last_s = {}
        for action, count in policy.counts.items():
            if count.within_s is not None and (last := self._last_s(listener, content, action)) is not None:
                last_s[action] = last
            if count.after_s is not None:
                counts[action] = self._timed_plays(listener, content, action, count, now_s)
            elif count.per_s is not None:
                counts[action] = self._recent(listener, content, action, count.per_s, now_s)
            elif action not in ("play", "seek"):
                counts[action] = self._recent(listener, content, action, None, now_s)
        seconds = max(row.heard_ms // 1000, row.server_seconds)
        held = len(self.held(listener, content, now_s, ticket or b""))
        return Usage(plays, seeks, seconds, min(firsts, default=None), counts, last_s, held)

    def _last_s(self, listener: bytes, content: bytes, action: str) -> int | None:
        """When an action last counted."""
        rows = self._rows(f"SELECT max(time_ms) FROM invocations WHERE {_COUNTED}", listener, content, action)  # noqa: S608
        return None if rows[0][0] is None else int(rows[0][0]) // 1000

    def _timed_plays(self, listener: bytes, content: bytes, action: str, count: Count, now_s: int) -> int:
        """Plays with the heard time that a timed count requires, in its window if it has one."""
        since_ms = self._since_ms(listener, content, action, count.per_s, now_s)
        rows = self._rows(
            "SELECT count(*) FROM tickets t WHERE t.heard_ms >= ? AND EXISTS "  # noqa: S608
            f"(SELECT 1 FROM invocations WHERE {_COUNTED} AND ticket = t.id AND time_ms >= ?)",
            (count.after_s or 0) * 1000,
            listener,
            content,
            action,
            since_ms,
        )
        return int(rows[0][0])

    def _pending(self, listener: bytes, content: bytes, action: str) -> int:
        """Invocations that the server's usage cannot contain yet."""
        rows = self._rows(
            "SELECT count(*) FROM sessions s JOIN invocations i ON i.session = s.id AND i.sequence > s.acknowledged "
            "WHERE s.listener = ? AND i.state = 'unreported' AND i.uncounted = 0 AND i.content = ? AND i.action = ?",
            listener,
            content,
            action,
        )
        return int(rows[0][0])

    def _recent(self, listener: bytes, content: bytes, action: str, per_s: int | None, now_s: int) -> int:
        since_ms = self._since_ms(listener, content, action, per_s, now_s)
        rows = self._rows(
            f"SELECT count(*) FROM invocations WHERE {_COUNTED} AND time_ms >= ?",  # noqa: S608
            listener,
            content,
            action,
            since_ms,
        )
        return int(rows[0][0])

    def _since_ms(self, listener: bytes, content: bytes, action: str, per_s: int | None, now_s: int) -> int:
        """When the current window of a count began; 0 without one."""
        if per_s is None:
            return 0
        ((first_ms,),) = self._rows(f"SELECT min(time_ms) FROM invocations WHERE {_COUNTED}", listener, content, action)  # noqa: S608
        return recurrence_start(None if first_ms is None else first_ms // 1000, per_s, now_s) * 1000


def ticket_row(values: tuple[object, ...]) -> TicketRow:
    """A row of ``tickets``, its amount as an integer."""
    row = TicketRow(*values)  # type: ignore[arg-type]
    return replace(row, reward_wei=int(row.reward_wei))


def _marks(kind: type) -> str:
    return ", ".join("?" * len(fields(kind)))
