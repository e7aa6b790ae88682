"""Acknowledgements of reported invocations, and usage counters of the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from native_host.ledger.base import Rows
from native_host.ledger.tables import InvocationRow
from pywallet.protocol.actions import STARTS

_ENTRY: Final = ", ".join(f"i.{f.name}" for f in fields(InvocationRow))


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """An invocation that the server has refused.

    Attributes:
        ticket: Digest of its ticket, 32 bytes.
        action: Name of the action.
        code: Code of the refusal.
    """

    ticket: bytes
    action: str
    code: str


class ReportStore(Rows):
    """Reads and changes of the reporter. Changes belong inside ``Ledger.write``."""

    def unreported(self, session: bytes, server: bytes, limit: int, below: int | None = None) -> list[InvocationRow]:
        """The oldest unreported invocations of a session under a server's tickets, in order.

        Args:
            session: Digest of the session.
            server: Address of the server, 20 bytes.
            limit: Rows at most.
            below: Only lower sequence numbers; None: all.
        """
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
        """(session, server, URL, chain id) of sessions with unreported invocations."""
        rows = self._rows(
            "SELECT DISTINCT i.session, t.server, t.server_url, s.chain_id FROM invocations i "
            "JOIN tickets t ON t.id = i.ticket JOIN sessions s ON s.id = i.session WHERE i.state = 'unreported'"
        )
        return [tuple(row) for row in rows]

    def acknowledge(self, session: bytes, sequences: list[int], refused: Mapping[int, str]) -> list[RefusedRow]:
        """Record that the server counted or refused invocations; a refused one no longer counts as usage.

        A refused start ends its ticket, and a refused hold holds nothing.

        Args:
            session: Digest of the session.
            sequences: Sequence numbers of the invocations.
            refused: Codes of those that were refused, by sequence number.

        Returns:
            The invocations that are refused by this.
        """
        found = []
        for sequence in sequences:
            code = refused.get(sequence)
            changed = self._rows(
                "UPDATE invocations SET state = ?, code = ? WHERE session = ? AND sequence = ? AND state = "
                "'unreported' "
                "RETURNING listener, content, action, ticket, uncounted",
                "reported" if code is None else "refused",
                code,
                session,
                sequence,
            )
            if changed and code is not None:
                listener, content, action, ticket, uncounted = changed[0]
                if not uncounted:
                    self._change(
                        "UPDATE usage SET plays = plays - ?, seeks = seeks - ? WHERE listener = ? AND content = ?",
                        int(action == "play"),
                        int(action == "seek"),
                        listener,
                        content,
                    )
                if action in STARTS:
                    self._change("UPDATE tickets SET state = 'ended' WHERE id = ?", ticket)
                    # Its debit from the site's budget is reverted.
                    self._change("DELETE FROM debits WHERE ticket = ?", ticket)
                if action == "hold":
                    self._change("UPDATE tickets SET state = 'none' WHERE id = ? AND state = 'held'", ticket)
                found.append(RefusedRow(ticket, action, code))
        if sequences:
            self._change(
                "UPDATE sessions SET acknowledged = max(acknowledged, ?) WHERE id = ?", max(sequences), session
            )
        return found

    def set_server_usage(
        self,
        listener: bytes,
        content: bytes,
        usage: Mapping[str, Any],
        tag_secret: bytes | None = None,
        server: bytes | None = None,
    ) -> None:
        """Record the server's counters of a listener's usage of a content.

        Args:
            listener: Address of the listener key, 20 bytes.
            content: Address of the content, 20 bytes.
            usage: ``plays``, ``seeks``, ``seconds`` and ``first_play_s``.
            tag_secret: Secret of the listener's usage tags at ``server``, 32 bytes; None: not known.
            server: Address of the server, 20 bytes.
        """
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
