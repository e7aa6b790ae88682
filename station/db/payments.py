"""The station's dealings with servers: statements seen, lines set aside, vouchers signed, acknowledgements kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from pywallet.rules.statement_check import Verdict, Wrong, as_value

METADATA: Final = sa.MetaData()
"""The tables of one station's database; ``station.db.ledger`` adds the tickets."""

_statements = sa.Table(
    "statements",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("server", sa.LargeBinary(20), nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("spent", sa.String(80), nullable=False),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("code", sa.String(60), nullable=True),
    sa.Column("reason", sa.Text, nullable=True),
    sa.Column("message", sa.Text, nullable=False),
    sa.Index("statements_server", "server", "id"),
)
_vouchers = sa.Table(
    "vouchers",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("server", sa.LargeBinary(20), nullable=False),
    sa.Column("statement", sa.Integer, sa.ForeignKey("statements.id"), nullable=False),
    sa.Column("cap", sa.String(40), nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    # What it is for: [[ticket number, whole intervals], …].
    sa.Column("lines", sa.Text, nullable=False, server_default="[]"),
    sa.Column("sent_ms", sa.BigInteger, nullable=True),
    sa.Index("vouchers_server", "server", "id"),
    sa.Index("vouchers_statement", "server", "statement"),
    # For the foreign key, when a statement is deleted.
    sa.Index("vouchers_of", "statement"),
)
_accounts = sa.Table(
    "accounts",
    METADATA,
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    # Value of everything agreed to: wei times 10,000 (pywallet/rules/statement_check.py).
    sa.Column("agreed", sa.String(90), nullable=False),
)
_numbers = sa.Table(
    "numbers",
    METADATA,
    # One row: the highest ticket number that was given out, as far as is known.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.BigInteger, nullable=False),
)
_quarantine = sa.Table(
    "quarantine",
    METADATA,
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("code", sa.String(60), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
_acknowledgements = sa.Table(
    "acknowledgements",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("server", sa.LargeBinary(20), nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Index("acknowledgements_time", "server", "time_ms"),
)
_settled = sa.Table(
    "settled",
    METADATA,
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("acknowledgement", sa.Integer, nullable=False),
)
_pruned = sa.Table(
    "pruned",
    METADATA,
    sa.Column("server", sa.LargeBinary(20), primary_key=True),
    # Of tickets that ended until then, Unix seconds, some were deleted as settled.
    sa.Column("until_s", sa.BigInteger, nullable=False),
)

STATEMENTS, VOUCHERS, QUARANTINE, PRUNED = _statements, _vouchers, _quarantine, _pruned
ACKNOWLEDGEMENTS, SETTLED = _acknowledgements, _settled
"""For deleting what is old (``station.db.retention``)."""


@dataclass(frozen=True, slots=True)
class VoucherRow:
    """A voucher signed: ``cap`` cumulative gross wei; ``message`` the signed JSON.

    ``sent_ms`` None until the server took it.

    ``lines``: what it is for, ticket number to whole intervals.
    """

    id: int
    server: bytes
    cap: int
    until: int
    message: str
    sent_ms: int | None
    lines: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement seen: agreed when ``code`` is None."""

    id: int
    server: bytes
    time_ms: int
    epoch: int
    spent: int
    lines: int
    code: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A line that is not signed for: its ticket, since when (Unix ms), and why."""

    number: int
    time_ms: int
    code: str
    reason: str


class Ledger:
    """The tables above. Methods block for one short transaction; call them from a thread."""

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
        """Write an agreed statement, its lines and its voucher in one transaction; returns the voucher's id.

        Args:
            server: whose statement, 20 bytes.
            time_ms: the chain's time, Unix ms.
            epoch: the statement's.
            spent: the voucher's cap, wei.
            until: the last epoch in which the voucher counts.
            verdict: the lines agreed to, and the value of everything agreed to then.
            bps: the commission at which the lines are valued.
            statement: the signed statement's JSON.
            voucher: the signed voucher's JSON.
        """
        tickets = METADATA.tables["tickets"]
        with self._engine.begin() as db:
            values = {
                "server": server,
                "time_ms": time_ms,
                "epoch": epoch,
                "spent": str(spent),
                "lines": len(verdict.lines),
            }
            known = insert(db, _statements, {**values, "message": statement})
            for line in verdict.lines:
                row = tickets.c.number == line.number
                change = {
                    "vouchered": line.new + line.pending + line.settled,
                    "agreed_bps": bps,
                    "settled": line.settled,
                }
                old = db.execute(
                    sa.select(tickets.c.vouchered, tickets.c.agreed_bps, tickets.c.settled).where(row)
                ).one()
                raised = {name: max(value, getattr(old, name)) for name, value in change.items()}
                db.execute(sa.update(tickets).where(row).values(**raised))
            self._set_account(db, server, agreed=str(verdict.agreed))
            lines = json.dumps([[line.number, line.intervals] for line in verdict.lines])
            values = {
                "server": server,
                "statement": known,
                "cap": str(spent),
                "until": until,
                "message": voucher,
                "lines": lines,
            }
            return insert(db, _vouchers, values)

    def set_aside(self, server: bytes, time_ms: int, code: str, wrong: Sequence[Wrong], agreed: Iterable[int]) -> None:
        """Keep the lines that a statement had wrong, and let go of those that are agreed to by now."""
        with self._engine.begin() as db:
            rows = db.execute(sa.select(_quarantine.c.number).where(_quarantine.c.server == server))
            there = {row.number for row in rows}
            for number in there & set(agreed):
                db.execute(sa.delete(_quarantine).where(_quarantine.c.server == server, _quarantine.c.number == number))
            for one in wrong:
                if one.number not in there:
                    reason = json.dumps({"reason": one.reason, **one.detail}, sort_keys=True)
                    values = {
                        "server": server,
                        "number": one.number,
                        "time_ms": time_ms,
                        "code": code,
                        "reason": reason,
                    }
                    db.execute(sa.insert(_quarantine).values(**values))

    def quarantine(self, server: bytes, limit: int = 2_000) -> list[QuarantineRow]:
        """The lines of this server that are set aside, the latest tickets first."""
        query = (
            sa.select(_quarantine)
            .where(_quarantine.c.server == server)
            .order_by(_quarantine.c.number.desc())
            .limit(limit)
        )
        with self._reading.connect() as db:
            return [QuarantineRow(row.number, row.time_ms, row.code, row.reason) for row in db.execute(query)]

    def acknowledge(self, server: bytes, time_ms: int, message: str, settled: Mapping[int, int], keep_ms: int) -> None:
        """Keep what the server has signed as settled: ticket number to intervals over all epochs.

        Args:
            server: 20 bytes.
            time_ms: the chain's time, Unix ms.
            message: the acknowledgement's JSON.
            settled: of its tickets.
            keep_ms: for so long an acknowledgement is kept, ms.
        """
        tickets = METADATA.tables["tickets"]
        with self._engine.begin() as db:
            kept = insert(db, _acknowledgements, {"server": server, "time_ms": time_ms, "message": message})
            for number, intervals in settled.items():
                here = (tickets.c.number == number, tickets.c.settled < intervals)
                db.execute(sa.update(tickets).where(*here).values(settled=intervals))
                key = (_settled.c.server == server, _settled.c.number == number)
                if not db.execute(sa.update(_settled).where(*key).values(acknowledgement=kept)).rowcount:
                    db.execute(sa.insert(_settled).values(server=server, number=number, acknowledgement=kept))
            old = sa.select(_acknowledgements.c.id).where(
                _acknowledgements.c.server == server, _acknowledgements.c.time_ms < time_ms - keep_ms
            )
            db.execute(sa.delete(_settled).where(_settled.c.acknowledgement.in_(old)))
            db.execute(sa.delete(_acknowledgements).where(_acknowledgements.c.id.in_(old)))

    def acknowledgements(self, server: bytes, numbers: Iterable[int], limit: int = 256) -> list[str]:
        """The newest acknowledgements of these tickets, as JSON."""
        wanted = list(numbers)[:500]
        here = sa.select(_settled.c.acknowledgement).where(_settled.c.server == server, _settled.c.number.in_(wanted))
        query = sa.select(_acknowledgements.c.message).where(_acknowledgements.c.id.in_(here)).limit(limit)
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
        """Write a refused statement once: the same one again changes nothing."""
        text = json.dumps({name: str(value) for name, value in reason.items()}, sort_keys=True)
        with self._engine.begin() as db:
            last = db.execute(
                sa.select(_statements).where(_statements.c.server == server).order_by(_statements.c.id.desc()).limit(1)
            ).first()
            if last is not None and (last.code, last.reason) == (code, text):
                return
            values = {
                "server": server,
                "time_ms": time_ms,
                "epoch": min(epoch, (1 << 63) - 1),
                "spent": str(spent),
                "lines": lines,
            }
            db.execute(sa.insert(_statements).values(**values, code=code, reason=text, message=statement))

    def sent(self, voucher: int, time_ms: int) -> None:
        """Note that the server took a voucher."""
        with self._engine.begin() as db:
            db.execute(sa.update(_vouchers).where(_vouchers.c.id == voucher).values(sent_ms=time_ms))

    def voucher(self, server: bytes) -> VoucherRow | None:
        """The latest voucher for this server."""
        with self._reading.connect() as db:
            row = db.execute(
                sa.select(_vouchers).where(_vouchers.c.server == server).order_by(_vouchers.c.id.desc()).limit(1)
            ).first()
        if row is None:
            return None
        return VoucherRow(
            row.id, bytes(row.server), int(row.cap), row.until, row.message, row.sent_ms, dict(json.loads(row.lines))
        )

    def agreed(self, server: bytes) -> tuple[int, int]:
        """The value of everything agreed to with a server (wei times 10,000), and the highest cap ever signed, wei."""
        with self._reading.connect() as db:
            caps = db.execute(
                sa.select(_vouchers.c.cap).where(_vouchers.c.server == server).order_by(_vouchers.c.id.desc()).limit(64)
            )
            highest = max((int(cap) for cap in caps.scalars()), default=0)
            value = db.execute(sa.select(_accounts.c.agreed).where(_accounts.c.server == server)).scalar()
        # Books of an older version have caps only, which are rounded down.
        return (int(value) if value is not None else as_value(highest)), highest

    def pruned_s(self, server: bytes) -> int:
        """Of this server's tickets that ended until then, Unix seconds, some were deleted as settled; 0: of none."""
        with self._reading.connect() as db:
            return int(db.execute(sa.select(_pruned.c.until_s).where(_pruned.c.server == server)).scalar() or 0)

    def statements(self, server: bytes, limit: int) -> Sequence[StatementRow]:
        """The latest statements of this server, newest first."""
        columns = [column for column in _statements.c if column.name != "message"]
        query = sa.select(*columns).where(_statements.c.server == server).order_by(_statements.c.id.desc()).limit(limit)
        with self._reading.connect() as db:
            return [
                StatementRow(r.id, bytes(r.server), r.time_ms, r.epoch, int(r.spent), r.lines, r.code, r.reason)
                for r in db.execute(query)
            ]

    def _cap(self, db: Connection, server: bytes) -> int:
        cap = db.execute(
            sa.select(_vouchers.c.cap).where(_vouchers.c.server == server).order_by(_vouchers.c.id.desc()).limit(1)
        ).scalar()
        return 0 if cap is None else int(cap)

    def _last_number(self, db: Connection) -> int:
        """The highest ticket number that was given out, as far as is known."""
        kept = db.execute(sa.select(_numbers.c.last)).scalar() or 0
        return max(kept, db.execute(sa.select(sa.func.max(METADATA.tables["tickets"].c.number))).scalar() or 0)

    def _use_number(self, db: Connection, number: int) -> None:
        """Never give out a number up to this one again."""
        if number > self._last_number(db) and not db.execute(sa.update(_numbers).values(last=number)).rowcount:
            db.execute(sa.insert(_numbers).values(id=1, last=number))

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
        """Take over what a server has shown of books that were lost here.

        Args:
            server: 20 bytes.
            time_ms: the chain's time, Unix ms.
            epoch: of the server's acknowledgement.
            last_number: the highest number of this station's tickets that it has.
            settled: cumulative gross that it has signed as settled, wei; None where these books are not behind.
            voucher: cap, until and JSON of a voucher of this station that these books do not have.
            counts: ticket number to intervals settled; taken over together with ``settled``.
        """
        tickets = METADATA.tables["tickets"]
        with self._engine.begin() as db:
            self._use_number(db, last_number)
            if settled is not None:
                self._set_account(db, server, agreed=str(as_value(settled)))
                for number, intervals in counts.items():
                    db.execute(
                        sa.update(tickets)
                        .where(tickets.c.number == number)
                        .values(vouchered=intervals, settled=intervals)
                    )
            if voucher is not None:
                cap, until, message = voucher
                values = {
                    "server": server,
                    "time_ms": time_ms,
                    "epoch": epoch,
                    "spent": str(cap),
                    "lines": 0,
                    "message": message,
                }
                known = insert(db, _statements, values)
                values = {
                    "server": server,
                    "statement": known,
                    "cap": str(cap),
                    "until": until,
                    "message": message,
                    "sent_ms": time_ms,
                }
                insert(db, _vouchers, values)

    def _set_account(self, db: Connection, server: bytes, **values: Any) -> None:
        if not db.execute(sa.update(_accounts).where(_accounts.c.server == server).values(**values)).rowcount:
            db.execute(sa.insert(_accounts).values(**{"server": server, "agreed": "0", **values}))


def insert(db: Connection, table: sa.Table, values: Mapping[str, Any]) -> int:
    """Insert a row and return its number."""
    key = db.execute(sa.insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])
