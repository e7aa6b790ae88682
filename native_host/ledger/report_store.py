"""Reports: which invocations the server has, and the usage that it reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from native_host.ledger.base import Rows
from native_host.ledger.tables import InvocationRow

_ENTRY: Final = ", ".join(f"i.{f.name}" for f in fields(InvocationRow))


class ReportStore(Rows):
    """Reads and changes of the reporter. Changes belong inside ``Ledger.write``."""

    def unreported(self, session: bytes, server: bytes, limit: int, below: int | None = None) -> list[InvocationRow]:
        """The oldest invocations of a session under a server's tickets that it has not acknowledged, in order."""
        rows = self._rows(
            f"SELECT {_ENTRY} FROM invocations i JOIN tickets t ON t.id = i.ticket "  # noqa: S608
            "WHERE i.session = ? AND t.server = ? AND i.state = 'unreported' AND i.sequence < ? ORDER BY i.sequence "
            "LIMIT ?",
            session,
            server,
            (1 << 62) if below is None else below,
            limit,
        )
        return [InvocationRow(*row) for row in rows]

    def sessions_unreported(self) -> list[tuple[bytes, bytes, str, int]]:
        """(session, server, url, chain id) with something still to report, from this or an earlier run."""
        rows = self._rows(
            "SELECT DISTINCT i.session, t.server, t.server_url, s.chain_id FROM invocations i "
            "JOIN tickets t ON t.id = i.ticket JOIN sessions s ON s.id = i.session WHERE i.state = 'unreported'"
        )
        return [tuple(row) for row in rows]

    def acknowledge(self, session: bytes, sequences: list[int], refused: Mapping[int, str]) -> None:
        """Record that the server counted these invocations, or refused them; a refused one leaves the usage."""
        for sequence in sequences:
            code = refused.get(sequence)
            changed = self._rows(
                "UPDATE invocations SET state = ?, code = ? WHERE session = ? AND sequence = ? AND state = "
                "'unreported' "
                "RETURNING listener, content, action, ticket",
                "reported" if code is None else "refused",
                code,
                session,
                sequence,
            )
            if changed and code is not None:
                listener, content, action, ticket = changed[0]
                self._change(
                    "UPDATE usage SET plays = plays - ?, seeks = seeks - ? WHERE listener = ? AND content = ?",
                    int(action == "play"),
                    int(action == "seek"),
                    listener,
                    content,
                )
                if action == "play":
                    self._change("UPDATE tickets SET state = 'ended' WHERE id = ?", ticket)
                    # The budget that was set aside for it is available again.
                    self._change("DELETE FROM debits WHERE ticket = ?", ticket)
        if sequences:
            self._change(
                "UPDATE sessions SET acknowledged = max(acknowledged, ?) WHERE id = ?", max(sequences), session
            )

    def set_server_usage(
        self,
        listener: bytes,
        content: bytes,
        usage: Mapping[str, Any],
        tag_secret: bytes | None = None,
        server: bytes | None = None,
    ) -> None:
        """Record a listener's usage of a content as the server reports it; ``tag_secret`` is that of its usage tags."""
        if tag_secret is not None and server is not None:
            self._change(
                "INSERT OR REPLACE INTO tag_secrets VALUES (?, ?, ?, ?)", server, listener, content, tag_secret
            )
        self._change(
            "INSERT INTO usage (listener, content, server_plays, server_seeks, server_seconds, server_first_s, "
            "tag_secret) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET server_plays = excluded.server_plays, "
            "server_seeks = excluded.server_seeks, server_seconds = excluded.server_seconds, "
            "server_first_s = excluded.server_first_s, tag_secret = coalesce(excluded.tag_secret, tag_secret)",
            listener,
            content,
            usage["plays"],
            usage["seeks"],
            usage["seconds"],
            usage["first_play_s"],
            tag_secret,
        )
