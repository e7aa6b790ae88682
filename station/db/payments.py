"""Statements, vouchers and acknowledgements in the station's database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from pywallet.rules.statement_check import RejectedLine, Verdict, as_value
from station.db.inserts import insert, insert_statement, insert_voucher, raise_counts, upsert
from station.db.rows import QuarantineRow, StatementRow, VoucherRow
from station.db.tables import (
    ACCOUNTS,
    ACKNOWLEDGEMENTS,
    PRUNED_TICKETS,
    QUARANTINE,
    SETTLED_TICKETS,
    STATEMENTS,
    TICKET_NUMBERS,
    TICKETS,
    VOUCHERS,
)

MAX_CAPS = 64
"""Number of a server's latest vouchers that include the highest cap."""
MAX_SQL_INTEGER = (1 << 63) - 1
_STATEMENT_COLUMNS = [column for column in STATEMENTS.c if column.name != "statement_json"]


class PaymentLedger:
    """Statements, vouchers and acknowledgements by server. Methods block for one transaction; call from a thread."""

    _engine: Engine
    _reading: Engine

    def agree(
        self,
        server: bytes,
        time_ms: int,
        epoch: int,
        spent: int,
        until: int,
        verdict: Verdict,
        bps: int,
        statement: str,
        voucher: str,
    ) -> int:
        """Write an agreed statement, its lines and its voucher in one transaction.

        Args:
            server: Who signed the statement, 20 bytes.
            time_ms: The chain's time, Unix ms.
            epoch: The statement's epoch.
            spent: The voucher's cap, wei.
            until: The last epoch in which the voucher counts.
            verdict: The lines agreed to, and the value of everything agreed to with them.
            bps: Commission at which the lines are valued, basis points.
            statement: The signed statement as JSON.
            voucher: The signed voucher as JSON.

        Returns:
            The voucher's id.
        """
        with self._engine.begin() as db:
            statement_id = insert_statement(db, server, time_ms, epoch, spent, len(verdict.lines), statement)
            for line in verdict.lines:
                raise_counts(db, line.number, line.new + line.pending + line.settled, line.settled, bps)
            self._set_agreed_value(db, server, verdict.agreed)
            lines = json.dumps([[line.number, line.intervals] for line in verdict.lines])
            return insert_voucher(db, server, statement_id, spent, until, voucher, lines_json=lines)

    def set_aside(
        self, server: bytes, time_ms: int, code: str, wrong: Sequence[RejectedLine], agreed: Iterable[int]
    ) -> None:
        """Quarantine the wrong lines of a statement, and release lines that are agreed to by now.

        Args:
            server: Who signed the statement, 20 bytes.
            time_ms: The chain's time, Unix ms.
            code: Error code for new rows.
            wrong: Lines that are not signed for.
            agreed: Ticket numbers that are signed for.
        """
        here = QUARANTINE.c.server == server
        with self._engine.begin() as db:
            present = set(db.execute(sa.select(QUARANTINE.c.ticket_number).where(here)).scalars())
            for number in present & set(agreed):
                db.execute(sa.delete(QUARANTINE).where(here, QUARANTINE.c.ticket_number == number))
            for line in wrong:
                if line.number not in present:
                    reason = json.dumps({"reason": line.reason, **line.detail}, sort_keys=True)
                    row = {"server": server, "ticket_number": line.number, "since_ms": time_ms, "code": code}
                    db.execute(sa.insert(QUARANTINE).values(**row, reason_json=reason))

    def quarantine(self, server: bytes, limit: int = 2_000) -> list[QuarantineRow]:
        """The quarantined lines of a server, highest ticket numbers first."""
        newest_first = QUARANTINE.c.ticket_number.desc()
        query = sa.select(QUARANTINE).where(QUARANTINE.c.server == server).order_by(newest_first).limit(limit)
        with self._reading.connect() as db:
            return [QuarantineRow(r.ticket_number, r.since_ms, r.code, r.reason_json) for r in db.execute(query)]

    def acknowledge(self, server: bytes, time_ms: int, message: str, settled: Mapping[int, int], keep_ms: int) -> None:
        """Store a server's acknowledgement, and delete acknowledgements that are too old to be shown again.

        Args:
            server: Who signed it, 20 bytes.
            time_ms: The chain's time, Unix ms.
            message: The acknowledgement as JSON.
            settled: Ticket number to intervals settled over all epochs.
            keep_ms: How long an acknowledgement is kept, ms.
        """
        with self._engine.begin() as db:
            row = {"server": server, "received_ms": time_ms, "acknowledgement_json": message}
            acknowledgement_id = insert(db, ACKNOWLEDGEMENTS, row)
            for number, intervals in settled.items():
                here = (TICKETS.c.number == number, TICKETS.c.settled_intervals < intervals)
                db.execute(sa.update(TICKETS).where(*here).values(settled_intervals=intervals))
                key = {"server": server, "ticket_number": number}
                upsert(db, SETTLED_TICKETS, key, {"acknowledgement_id": acknowledgement_id})
            old = sa.select(ACKNOWLEDGEMENTS.c.id).where(
                ACKNOWLEDGEMENTS.c.server == server, ACKNOWLEDGEMENTS.c.received_ms < time_ms - keep_ms
            )
            db.execute(sa.delete(SETTLED_TICKETS).where(SETTLED_TICKETS.c.acknowledgement_id.in_(old)))
            db.execute(sa.delete(ACKNOWLEDGEMENTS).where(ACKNOWLEDGEMENTS.c.id.in_(old)))

    def acknowledgements(self, server: bytes, numbers: Iterable[int], limit: int = 256) -> list[str]:
        """The newest acknowledgements of these tickets (the first 500), as JSON."""
        wanted = list(numbers)[:500]
        ids = sa.select(SETTLED_TICKETS.c.acknowledgement_id).where(
            SETTLED_TICKETS.c.server == server, SETTLED_TICKETS.c.ticket_number.in_(wanted)
        )
        query = sa.select(ACKNOWLEDGEMENTS.c.acknowledgement_json).where(ACKNOWLEDGEMENTS.c.id.in_(ids)).limit(limit)
        with self._reading.connect() as db:
            return list(db.execute(query).scalars())

    def refuse(
        self,
        server: bytes,
        time_ms: int,
        epoch: int,
        spent: int,
        lines: int,
        code: str,
        reason: Mapping[str, Any],
        statement: str,
    ) -> None:
        """Write a refused statement; the same refusal as the last one is not written again.

        Args:
            server: Who signed the statement, 20 bytes.
            time_ms: The chain's time, Unix ms.
            epoch: The statement's epoch.
            spent: Cumulative gross that it claims, wei.
            lines: Number of its lines.
            code: Error code of the refusal.
            reason: Detail of the refusal.
            statement: The signed statement as JSON.
        """
        text = json.dumps({name: str(value) for name, value in reason.items()}, sort_keys=True)
        latest = sa.select(STATEMENTS).where(STATEMENTS.c.server == server).order_by(STATEMENTS.c.id.desc()).limit(1)
        with self._engine.begin() as db:
            last = db.execute(latest).first()
            if last is not None and (last.refusal_code, last.refusal_json) == (code, text):
                return
            refusal = {"refusal_code": code, "refusal_json": text}
            insert_statement(db, server, time_ms, min(epoch, MAX_SQL_INTEGER), spent, lines, statement, **refusal)

    def sent(self, voucher: int, time_ms: int) -> None:
        """Note that the server took a voucher."""
        with self._engine.begin() as db:
            db.execute(sa.update(VOUCHERS).where(VOUCHERS.c.id == voucher).values(sent_ms=time_ms))

    def voucher(self, server: bytes) -> VoucherRow | None:
        """The latest voucher for this server."""
        latest = sa.select(VOUCHERS).where(VOUCHERS.c.server == server).order_by(VOUCHERS.c.id.desc()).limit(1)
        with self._reading.connect() as db:
            row = db.execute(latest).first()
        if row is None:
            return None
        lines = dict(json.loads(row.lines_json))
        return VoucherRow(
            row.id, bytes(row.server), int(row.cap_wei), row.until_epoch, row.voucher_json, row.sent_ms, lines
        )

    def agreed(self, server: bytes) -> tuple[int, int]:
        """The value of everything agreed to with a server (wei times 10,000), and the highest cap ever signed, wei."""
        newest_first = VOUCHERS.c.id.desc()
        caps = sa.select(VOUCHERS.c.cap_wei).where(VOUCHERS.c.server == server).order_by(newest_first).limit(MAX_CAPS)
        with self._reading.connect() as db:
            highest = max((int(cap) for cap in db.execute(caps).scalars()), default=0)
            value = db.execute(sa.select(ACCOUNTS.c.agreed_value).where(ACCOUNTS.c.server == server)).scalar()
        # Without an account there are caps only, which are rounded down.
        return (int(value) if value is not None else as_value(highest)), highest

    def pruned_s(self, server: bytes) -> int:
        """End of the latest deleted ticket of this server, Unix s; 0 when none was deleted."""
        query = sa.select(PRUNED_TICKETS.c.until_s).where(PRUNED_TICKETS.c.server == server)
        with self._reading.connect() as db:
            return int(db.execute(query).scalar() or 0)

    def statements(self, server: bytes, limit: int) -> Sequence[StatementRow]:
        """The latest statements of this server, newest first."""
        query = sa.select(*_STATEMENT_COLUMNS).where(STATEMENTS.c.server == server)
        with self._reading.connect() as db:
            return [
                StatementRow(
                    row.id,
                    bytes(row.server),
                    row.received_ms,
                    row.epoch,
                    int(row.spent_wei),
                    row.line_count,
                    row.refusal_code,
                    row.refusal_json,
                )
                for row in db.execute(query.order_by(STATEMENTS.c.id.desc()).limit(limit))
            ]

    def learn(
        self,
        server: bytes,
        time_ms: int,
        epoch: int,
        last_number: int,
        settled: int | None,
        voucher: tuple[int, int, str] | None,
        counts: Mapping[int, int],
    ) -> None:
        """Restore from a server's copy what this database has lost.

        Args:
            server: Whose copy, 20 bytes.
            time_ms: The chain's time, Unix ms.
            epoch: The epoch of the server's acknowledgement.
            last_number: The highest number of this station's tickets that the server has.
            settled: Cumulative gross that it has signed as settled, wei; None where this database is not behind.
            voucher: Cap, last epoch and JSON of a voucher of this station that is missing here.
            counts: Ticket number to intervals settled; used only together with ``settled``.
        """
        with self._engine.begin() as db:
            self._use_number(db, last_number)
            if settled is not None:
                self._set_agreed_value(db, server, as_value(settled))
                for number, intervals in counts.items():
                    changes = {"vouchered_intervals": intervals, "settled_intervals": intervals}
                    db.execute(sa.update(TICKETS).where(TICKETS.c.number == number).values(**changes))
            if voucher is not None:
                cap, until, message = voucher
                statement_id = insert_statement(db, server, time_ms, epoch, cap, 0, message)
                insert_voucher(db, server, statement_id, cap, until, message, sent_ms=time_ms)

    def _cap(self, db: Connection, server: bytes) -> int:
        """Cap of the latest voucher, wei."""
        latest = sa.select(VOUCHERS.c.cap_wei).where(VOUCHERS.c.server == server).order_by(VOUCHERS.c.id.desc())
        cap = db.execute(latest.limit(1)).scalar()
        return 0 if cap is None else int(cap)

    def _last_number(self, db: Connection) -> int:
        """The highest ticket number that was given out, as far as is known."""
        noted = db.execute(sa.select(TICKET_NUMBERS.c.last_number)).scalar() or 0
        return max(noted, db.execute(sa.select(sa.func.max(TICKETS.c.number))).scalar() or 0)

    def _use_number(self, db: Connection, number: int) -> None:
        """Never give out a number up to this one again."""
        if number > self._last_number(db):
            upsert(db, TICKET_NUMBERS, {"id": 1}, {"last_number": number})

    def _set_agreed_value(self, db: Connection, server: bytes, value: int) -> None:
        upsert(db, ACCOUNTS, {"server": server}, {"agreed_value": str(value)})
