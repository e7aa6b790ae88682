"""Refusals, leases, destructions, receipts, and the plays that the popup lists."""

from __future__ import annotations

from dataclasses import astuple, fields, replace
from typing import Any, Final

from native_host.ledger.payee_store import PayeeStore, as_receipt
from native_host.ledger.tables import ReceiptRow
from pywallet.provider.safe_text import named

PlayTuple = tuple[bytes, bytes, bytes, bytes, int, int, int, int]

MAX_REFUSALS: Final = 256
"""Refusals that the ledger keeps."""
UNSIGNED: Final = "null"
"""JSON of a receipt that only the published data have: there is no signed one."""

_RECEIPT: Final = ", ".join(f.name for f in fields(ReceiptRow))


class ReceiptStore(PayeeStore):
    """Reads and changes of these tables. Changes belong inside ``Ledger.write``."""

    def add_refusal(
        self, time_s: int, content: bytes | None, station_domain: str | None, action: str, code: str
    ) -> None:
        """Record a refusal. Of equal refusals the newest is kept, of all the newest ``MAX_REFUSALS``.

        Args:
            time_s: Unix seconds.
            content: Address of the content, if it is known.
            station_domain: Domain of the station, if it is known.
            action: Name of the refused action.
            code: Code of the refusal.
        """
        self._change(
            "DELETE FROM refusals WHERE (content, station_domain, action, code) IS (?, ?, ?, ?)",
            content,
            station_domain,
            action,
            code,
        )
        self._change(
            "DELETE FROM refusals WHERE refusal_number <= (SELECT MAX(refusal_number) FROM refusals) - ?",
            MAX_REFUSALS - 1,
        )
        self._change(
            "INSERT INTO refusals (time_s, content, station_domain, action, code) VALUES (?, ?, ?, ?, ?)",
            time_s,
            content,
            station_domain,
            action,
            code,
        )

    def set_lease(self, ticket: bytes, first: int, count: int, expires_s: int, budget: int) -> None:
        """Record that a lease was granted or renewed; its keys and remaining budget are in memory only."""
        self._change(
            "INSERT OR REPLACE INTO leases (ticket, first_segment, key_count, expiry_s, invocation_budget) "
            "VALUES (?, ?, ?, ?, ?)",
            ticket,
            first,
            count,
            expires_s,
            budget,
        )

    def end_leases(self, content: bytes, code: str) -> None:
        """Record that the keys of a content's leases were erased, with the code of the reason."""
        self._change(
            "UPDATE leases SET end_code = ? WHERE end_code IS NULL "
            "AND ticket IN (SELECT id FROM tickets WHERE content = ?)",
            code,
            content,
        )

    def add_destruction(self, content: bytes, listener: bytes, time_ms: int, code: str, signature: bytes) -> None:
        """Record that a content's keys were destroyed for a listener; a later record is ignored."""
        self._change(
            "INSERT OR IGNORE INTO destructions (content, listener, time_ms, code, signature) VALUES (?, ?, ?, ?, ?)",
            content,
            listener,
            time_ms,
            code,
            signature,
        )

    def unsent_destructions(self) -> list[tuple[bytes, bytes, int, str, bytes]]:
        """(content, listener, Unix ms, code, signature) of destructions whose notice is not sent yet."""
        return [
            tuple(row)
            for row in self._rows(
                "SELECT content, listener, time_ms, code, signature FROM destructions WHERE notice_sent = 0"
            )
        ]

    def set_destruction_sent(self, content: bytes, listener: bytes) -> None:
        """Record that the server has a destruction's notice."""
        self._change("UPDATE destructions SET notice_sent = 1 WHERE content = ? AND listener = ?", content, listener)

    def newest_ms(self) -> int:
        """The latest time of any invocation, Unix ms; 0 before the first."""
        return int(self._rows("SELECT coalesce(max(time_ms), 0) FROM tickets")[0][0])

    def add_receipt(self, row: ReceiptRow) -> bool:
        """Store a receipt unless the stored one is higher: a server cannot lower what it has signed.

        Returns:
            True if it was stored.
        """
        held = self.receipt(row.server, row.epoch, row.payee, row.chain_id)
        # A signed receipt replaces the published data's amount, also where both are equal.
        if (
            held is not None
            and held.amount_wei >= row.amount_wei
            and (held.signed_json != UNSIGNED or held.amount_wei > row.amount_wei)
        ):
            return False
        if held is not None:
            row = replace(
                row,
                claim_transaction=held.claim_transaction,
                final=held.final,
                at_payee=held.at_payee,
                claim_confirmed=held.claim_confirmed,
            )
        self._write_receipt(row)
        return True

    def add_leaf(self, row: ReceiptRow) -> None:
        """Store a leaf of the published data. A stored receipt keeps its signature and gets a higher leaf's amount."""
        held = self.receipt(row.server, row.epoch, row.payee, row.chain_id)
        if held is None:
            self._write_receipt(row)
        elif held.amount_wei < row.amount_wei:
            self._write_receipt(replace(held, amount_wei=row.amount_wei))

    def _write_receipt(self, row: ReceiptRow) -> None:
        values = astuple(replace(row, amount_wei=str(row.amount_wei)))  # type: ignore[arg-type]
        marks = ", ".join("?" * len(values))
        self._change(f"INSERT OR REPLACE INTO receipts ({_RECEIPT}) VALUES ({marks})", *values)  # noqa: S608
        self.changed_earnings()

    def receipt(self, server: bytes, epoch: int, payee: bytes, chain_id: int | None = None) -> ReceiptRow | None:
        """The stored receipt of a payee in an epoch, on a network or (None) on any."""
        rows = self._rows(
            f"SELECT {_RECEIPT} FROM receipts WHERE server = ?1 AND epoch = ?2 AND payee = ?3 "  # noqa: S608
            "AND (?4 IS NULL OR chain_id = ?4)",
            server,
            epoch,
            payee,
            chain_id,
        )
        return as_receipt(rows[0]) if rows else None

    def receipts_of(self, payee: bytes) -> list[ReceiptRow]:
        """All receipts of a payee, newest epoch first."""
        rows = self._rows(f"SELECT {_RECEIPT} FROM receipts WHERE payee = ? ORDER BY epoch DESC", payee)  # noqa: S608
        return [as_receipt(row) for row in rows]

    def servers_of_payee(self, payee: bytes) -> list[tuple[bytes, int]]:
        """(server, chain id) of servers that have issued receipts to a payee or have its plays."""
        rows = self._rows(
            "SELECT DISTINCT t.server, s.chain_id FROM sessions s JOIN tickets t ON t.session = s.id WHERE s.payee = "
            "?1 "
            "UNION SELECT server, chain_id FROM receipts WHERE payee = ?1",
            payee,
        )
        return [tuple(row) for row in rows]

    def chain_id_of(self, server: bytes) -> int | None:
        """Chain id of the sessions in which a server was used, or of its receipts; None without either."""
        rows = self._rows(
            "SELECT s.chain_id FROM tickets t JOIN sessions s ON s.id = t.session WHERE t.server = ? LIMIT 1", server
        )
        rows = rows or self._rows("SELECT chain_id FROM receipts WHERE server = ? LIMIT 1", server)
        return int(rows[0][0]) if rows else None

    def servers_used(self) -> list[tuple[bytes, str]]:
        """(address, URL) of the servers of all tickets."""
        return [(bytes(row[0]), str(row[1])) for row in self._rows("SELECT DISTINCT server, server_url FROM tickets")]

    def server_url(self, server: bytes, chain_id: int) -> str | None:
        """URL at which a server of a network was used last; None if it never was."""
        rows = self._rows(
            "SELECT t.server_url FROM tickets t JOIN sessions s ON s.id = t.session "
            "WHERE t.server = ? AND s.chain_id = ? "
            "ORDER BY t.prepared_s DESC LIMIT 1",
            server,
            chain_id,
        )
        return str(rows[0][0]) if rows else None

    def session_at(self, server: bytes, content: bytes) -> tuple[bytes, bytes, int, bytes | None] | None:
        """(session, listener, chain id, tag secret) of the last play of a content at a server."""
        rows = self._rows(
            "SELECT s.id, s.listener, s.chain_id, coalesce(k.tag_secret, u.tag_secret) "
            "FROM tickets t JOIN sessions s ON s.id = t.session "
            "LEFT JOIN tag_secrets k ON k.server = t.server AND k.listener = s.listener AND k.content = t.content "
            "LEFT JOIN usage u ON u.listener = s.listener AND u.content = t.content "
            "WHERE t.server = ? AND t.content = ? ORDER BY t.time_ms DESC, t.prepared_s DESC LIMIT 1",
            server,
            content,
        )
        return tuple(rows[0]) if rows else None

    def last_play(self, content: bytes, listener: bytes) -> tuple[bytes, bytes, str] | None:
        """(session, server, url) of a listener's last play of a content."""
        rows = self._rows(
            "SELECT session, server, server_url FROM tickets WHERE content = ? AND listener = ? ORDER BY time_ms DESC, "
            "prepared_s DESC LIMIT 1",
            content,
            listener,
        )
        return tuple(rows[0]) if rows else None

    def station_domain_of(self, session: bytes) -> str:
        """The station's domain of a session, empty where unknown."""
        rows = self._rows("SELECT station_domain FROM tickets WHERE session = ? LIMIT 1", session)
        return str(rows[0][0]) if rows else ""

    def title_and_artist(self, content: bytes) -> tuple[str, str]:
        """(title, artist) of a content, safe to show; empty where unknown."""
        rows = self._rows("SELECT title, artist FROM contents WHERE content = ?", content)
        return (named(str(rows[0][0])), named(str(rows[0][1]))) if rows else ("", "")

    def plays(self, limit: int) -> list[dict[str, Any]]:
        """The last plays, with their number of unreported invocations and the code of a refused one."""
        rows = self._rows(
            "SELECT t.time_ms / 1000, t.content, t.station_domain, t.heard_ms, t.interval_s, t.reward_wei, "
            "(SELECT count(*) FROM invocations i WHERE i.session = t.session AND i.ticket = t.id AND i.state = "
            "'unreported'), "
            "(SELECT i.code FROM invocations i WHERE i.session = t.session AND i.ticket = t.id AND i.state = "
            "'refused' LIMIT 1) "
            "FROM tickets t WHERE t.state NOT IN ('none', 'held') ORDER BY t.time_ms DESC LIMIT ?",
            limit,
        )
        names = ("time_s", "content", "station_domain", "heard_ms", "interval_s", "reward_wei", "unreported", "code")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def session_of_payee(self, payee: bytes) -> bytes | None:
        """The session that names a payee; None if it was not used on this computer."""
        rows = self._rows("SELECT id FROM sessions WHERE payee = ? LIMIT 1", payee)
        return bytes(rows[0][0]) if rows else None

    def plays_of_payee(self, payee: bytes) -> list[PlayTuple]:
        """Plays of a payee without refused ones, the oldest first.

        Returns:
            (server, payee, content, ticket, Unix s, heard ms, interval s, reward in wei) each.
        """
        rows = self._rows(
            "SELECT t.server, s.payee, t.content, t.id, t.time_ms / 1000, t.heard_ms, t.interval_s, t.reward_wei "
            "FROM sessions s JOIN tickets t ON t.session = s.id WHERE s.payee = ? "
            "AND t.state NOT IN ('none', 'held') AND NOT EXISTS "
            "(SELECT 1 FROM invocations i WHERE i.session = t.session AND i.ticket = t.id AND i.state = 'refused' "
            "AND i.action = 'play') "
            "ORDER BY t.prepared_s, t.time_ms",
            payee,
        )
        return [(*row[:7], int(row[7])) for row in rows]

    def refusals(self, limit: int) -> list[dict[str, Any]]:
        """The last refusals."""
        rows = self._rows(
            "SELECT time_s, content, station_domain, action, code FROM refusals ORDER BY refusal_number DESC LIMIT ?",
            limit,
        )
        return [dict(zip(("time_s", "content", "station_domain", "action", "code"), row, strict=True)) for row in rows]
