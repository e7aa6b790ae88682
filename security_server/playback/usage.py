"""Usage counters of one listener and one content, as the policy counts."""

from __future__ import annotations

import msgspec
from sqlalchemy import select

from messages.host_server.playback import UsageCounters
from pywallet.policy import Count, Policy, Usage, recurrence_start
from security_server.db.connection import Connection
from security_server.db.queries import get, put
from security_server.db.tables import (
    epoch_usages,
    former_plays,
    tickets,
    usages,
)
from security_server.playback.listener_limits import UNDER_WAY


class Counters:
    """One row of ``usages``: read, changed and written in one transaction."""

    def __init__(self, connection: Connection, listener: bytes, content: bytes) -> None:
        self._connection = connection
        self._key = {"listener": listener, "content": content}
        row = get(connection, usages, **self._key)
        self.plays: int = row["plays"] if row else 0
        self.seeks: int = row["seeks"] if row else 0
        self.heard_ms: int = row["heard_ms"] if row else 0
        self.first_play_s: int | None = row["first_play_s"] if row else None
        self._actions: dict[str, list[int]] = msgspec.json.decode(row["actions"]) if row else {}

    def usage(self, policy: Policy, now_s: int, ticket: bytes, session: bytes | None = None) -> Usage:
        """Usage in the form that ``decide`` compares with the limits.

        Args:
            policy: Terms of the content, which select the counts.
            now_s: The time that counts, Unix seconds.
            ticket: Id of the ticket of the action, whose own hold does not count against it.
            session: Session whose holds do not count either: its host ends them where a play needs their place.
        """
        counts = {
            action: self._used(action, count.per_s, now_s)
            if count.after_s is None
            else self._heard_enough(action, count, now_s)
            for action, count in policy.counts.items()
        }
        last_s = {action: row[4] for action, row in self._actions.items() if len(row) > 4}
        # Holds count against the limit of plays alone.
        held = self._held(now_s, ticket, session) if "play" in policy.counts else 0
        return Usage(self.plays, self.seeks, self.heard_ms // 1000, self.first_play_s, counts, last_s, held)

    def _held(self, now_s: int, ticket: bytes, session: bytes | None) -> int:
        """Plays that other tickets reserve at a time."""
        return sum(
            row["play_state"] == "held"
            and row["content"] == self._key["content"]
            and row["expiry_s"] > now_s
            and row["id"] != ticket
            and row["session"] != session
            for row in self._connection.group(UNDER_WAY, self._key["listener"]).rows.values()
        )

    def _heard_enough(self, action: str, count: Count, now_s: int) -> int:
        """Plays that were heard for at least the time of a timed count, in its window if it has one."""
        plays = [
            (row.opened_ms, row.heard_ms)
            for table in (tickets, former_plays)
            for row in self._connection.execute(
                select(table.c.opened_ms, table.c.heard_ms).where(
                    table.c.listener == self._key["listener"],
                    table.c.content == self._key["content"],
                    table.c.start_action == action,
                )
            )
        ]
        since_ms = 0
        if count.per_s is not None and plays:
            since_ms = recurrence_start(min(plays)[0] // 1000, count.per_s, now_s) * 1000
        return sum(heard >= (count.after_s or 0) * 1000 and opened >= since_ms for opened, heard in plays)

    def _used(self, action: str, per_s: int | None, now_s: int) -> int:
        total, first_s, recent, start_s = self._actions.get(action, [0, now_s, 0, now_s])[:4]
        if per_s is None:
            return total
        return recent if recurrence_start(first_s, per_s, now_s) == start_s else 0

    def count(self, policy: Policy, action: str, now_s: int) -> None:
        """Count one use of ``action``."""
        if action == "play":
            self.plays += 1
            self.first_play_s = now_s if self.first_play_s is None else self.first_play_s
        elif action == "seek":
            self.seeks += 1
        limit = policy.counts.get(action)
        if limit is None and action not in ("play", "seek"):
            return
        total, first_s, recent, start_s = self._actions.get(action, [0, now_s, 0, now_s])[:4]
        if limit is not None and limit.per_s is not None:
            start = recurrence_start(first_s, limit.per_s, now_s)
            recent, start_s = (recent if start == start_s else 0), start
        self._actions[action] = [total + 1, first_s, recent + 1, start_s, now_s]

    def save(self, epoch: int) -> None:
        """Write the row, and its leaf in this epoch's counts tree."""
        actions = msgspec.json.encode(self._actions).decode()
        values = {"plays": self.plays, "seeks": self.seeks}
        put(
            self._connection,
            usages,
            self._key,
            **values,
            heard_ms=self.heard_ms,
            first_play_s=self.first_play_s,
            actions=actions,
        )
        put(self._connection, epoch_usages, {"epoch": epoch, **self._key}, **values, seconds=self.heard_ms // 1000)

    def totals(self) -> UsageCounters:
        """The cumulative numbers."""
        return UsageCounters(
            plays=self.plays, seeks=self.seeks, seconds=self.heard_ms // 1000, first_play_s=self.first_play_s
        )
