"""Posted epochs in the station's database, and their sums by day, content and passage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from station.db.inserts import upsert
from station.db.posted_rows import PostedEpoch, PostedLine
from station.db.tables import DAY_PLAYS, PASSAGES, POSTED_EPOCHS, POSTED_LINES, READ_EPOCHS

DAY_S: Final = 86_400
GWEI: Final = 10**9
ALL: Final = bytes(20)
"""In place of a content: the sum over all."""
State = Literal["posted", "final", "void"]
_SUMS: Final = (
    "plays",
    "refused",
    "seeks",
    "heard_s",
    "owner_gwei",
    "owner_rest_wei",
    "reward_gwei",
    "reward_rest_wei",
)


@dataclass(frozen=True, slots=True)
class EpochRow:
    """A posted epoch as it was read.

    Attributes:
        server: The server's address, 20 bytes.
        epoch: The epoch.
        starts_s: Its beginning, Unix s.
        state: ``void`` epochs cost nothing.
        net: Debit before commission, wei.
        gross: Debit with commission, wei.
        bps: Commission, basis points.
        data_hash: Hash of the published data, 32 bytes.
    """

    server: bytes
    epoch: int
    starts_s: int
    state: State
    net: int
    gross: int
    bps: int
    data_hash: bytes


@dataclass(frozen=True, slots=True)
class PlaySums:
    """Sums over plays: counts, heard time in seconds, and what owners and listeners get, wei."""

    plays: int = 0
    refused: int = 0
    seeks: int = 0
    heard_s: int = 0
    owner_wei: int = 0
    reward_wei: int = 0


class PostedStore:
    """Reads and writes posted epochs. Methods block for one transaction; call them from a thread.

    Args:
        engine: The station's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reading=True)

    def read_until(self, server: bytes) -> int | None:
        """The last epoch of a server that was read, or None."""
        query = sa.select(READ_EPOCHS.c.until_epoch).where(READ_EPOCHS.c.server == server)
        with self._reading.connect() as db:
            found = db.execute(query).scalar()
        return None if found is None else int(found)

    def skip(self, server: bytes, epoch: int) -> None:
        """Note that a server's epochs up to this one need not be read."""
        with self._engine.begin() as db:
            _advance(db, server, epoch)

    def take(self, part: PostedEpoch, starts_s: int, state: State) -> None:
        """Write an epoch with its lines and sums; one that is there already stays as it is.

        Args:
            part: This station's part of the published data.
            starts_s: Beginning of the epoch, Unix s.
            state: ``posted`` or ``final``.
        """
        with self._engine.begin() as db:
            _advance(db, part.server, part.epoch)
            here = (POSTED_EPOCHS.c.server == part.server, POSTED_EPOCHS.c.epoch == part.epoch)
            if db.execute(sa.select(POSTED_EPOCHS.c.epoch).where(*here)).first() is not None:
                return
            key = {"server": part.server, "epoch": part.epoch}
            gwei, rest_wei = divmod(part.gross, GWEI)
            amounts = {"net_wei": str(part.net), "gross_gwei": gwei, "gross_rest_wei": rest_wei}
            values = {"starts_s": starts_s, "state": state, **amounts}
            db.execute(
                sa.insert(POSTED_EPOCHS).values(**key, **values, commission_bps=part.bps, data_hash=part.data_hash)
            )
            if part.lines:
                rows = [{**key, "line": number, **_line_values(line)} for number, line in enumerate(part.lines)]
                db.execute(sa.insert(POSTED_LINES), rows)
            _add_lines(db, starts_s, part.lines, 1)
            for (content, segment), listeners in part.passages.items():
                _add(db, PASSAGES, {"content": content, "segment": segment}, {"listeners": listeners})

    def settle(self, server: bytes, epoch: int, state: State) -> None:
        """Write that a posted epoch is final, or void; a void one leaves the sums."""
        here = (POSTED_EPOCHS.c.server == server, POSTED_EPOCHS.c.epoch == epoch, POSTED_EPOCHS.c.state == "posted")
        with self._engine.begin() as db:
            starts_s = db.execute(sa.select(POSTED_EPOCHS.c.starts_s).where(*here)).scalar()
            if starts_s is None:
                return
            db.execute(sa.update(POSTED_EPOCHS).where(*here).values(state=state))
            if state == "void":
                _add_lines(db, starts_s, _lines(db, server, epoch), -1)

    def unsettled(self) -> list[tuple[bytes, int]]:
        """Server and epoch of the epochs that are posted and not final."""
        query = sa.select(POSTED_EPOCHS.c.server, POSTED_EPOCHS.c.epoch).where(POSTED_EPOCHS.c.state == "posted")
        with self._reading.connect() as db:
            return [(bytes(row.server), row.epoch) for row in db.execute(query)]

    def epochs(self, from_s: int, until_s: int, limit: int = 100_000) -> list[EpochRow]:
        """The newest epochs that began in [``from_s``, ``until_s``), Unix s, newest first."""
        query = sa.select(POSTED_EPOCHS).where(POSTED_EPOCHS.c.starts_s >= from_s, POSTED_EPOCHS.c.starts_s < until_s)
        newest = query.order_by(POSTED_EPOCHS.c.starts_s.desc(), POSTED_EPOCHS.c.server).limit(limit)
        with self._reading.connect() as db:
            return [_epoch_row(row) for row in db.execute(newest)]

    def epoch(self, server: bytes, epoch: int) -> tuple[EpochRow, Sequence[PostedLine]] | None:
        """One epoch with its lines, or None."""
        query = sa.select(POSTED_EPOCHS).where(POSTED_EPOCHS.c.server == server, POSTED_EPOCHS.c.epoch == epoch)
        with self._reading.connect() as db:
            row = db.execute(query).first()
            return None if row is None else (_epoch_row(row), _lines(db, server, epoch))

    def by_day(self, from_day: int, until_day: int) -> dict[int, PlaySums]:
        """Sums of each day with plays in [``from_day``, ``until_day``), days since 1970."""
        key, here = DAY_PLAYS.c.unix_day, DAY_PLAYS.c.content == ALL
        return {int(day): sums for day, sums in self._sums(key, from_day, until_day, here)}

    def by_content(self, from_day: int, until_day: int) -> dict[bytes, PlaySums]:
        """Sums of each content in [``from_day``, ``until_day``), days since 1970."""
        key, here = DAY_PLAYS.c.content, DAY_PLAYS.c.content != ALL
        return {bytes(content): sums for content, sums in self._sums(key, from_day, until_day, here)}

    def gross_by_day(self, from_day: int, until_day: int) -> dict[int, int]:
        """Debits of each day in [``from_day``, ``until_day``), days since 1970, wei; without void epochs."""
        day = POSTED_EPOCHS.c.starts_s - POSTED_EPOCHS.c.starts_s % DAY_S
        return {begin // DAY_S: wei for begin, wei in self._gross(day, from_day * DAY_S, until_day * DAY_S)}

    def gross(self, from_s: int, until_s: int) -> int:
        """Debits of the epochs that began in [``from_s``, ``until_s``), Unix s, wei; without void epochs."""
        return sum(wei for _, wei in self._gross(sa.literal(0), from_s, until_s))

    def _gross(self, key: sa.ColumnElement[Any], from_s: int, until_s: int) -> list[tuple[int, int]]:
        sums = (sa.func.sum(POSTED_EPOCHS.c.gross_gwei), sa.func.sum(POSTED_EPOCHS.c.gross_rest_wei))
        inside = (POSTED_EPOCHS.c.starts_s >= from_s, POSTED_EPOCHS.c.starts_s < until_s)
        query = sa.select(key, *sums).where(*inside, POSTED_EPOCHS.c.state != "void").group_by(key)
        with self._reading.connect() as db:
            return [(int(of), int(gwei) * GWEI + int(rest)) for of, gwei, rest in db.execute(query)]

    def passages(self, content: bytes) -> dict[int, int]:
        """Listeners of each stretch (units of ``SEGMENT_S``) of a content, summed over epochs."""
        query = sa.select(PASSAGES.c.segment, PASSAGES.c.listeners).where(PASSAGES.c.content == content)
        with self._reading.connect() as db:
            return {row.segment: int(row.listeners) for row in db.execute(query)}

    def _sums(
        self, key: sa.Column[Any], from_day: int, until_day: int, here: sa.ColumnElement[bool]
    ) -> list[tuple[Any, PlaySums]]:
        columns = [sa.func.sum(DAY_PLAYS.c[name]).label(name) for name in _SUMS]
        inside = (DAY_PLAYS.c.unix_day >= from_day, DAY_PLAYS.c.unix_day < until_day)
        query = sa.select(key.label("of"), *columns).where(*inside, here).group_by(key)
        with self._reading.connect() as db:
            return [
                (
                    row.of,
                    PlaySums(
                        int(row.plays),
                        int(row.refused),
                        int(row.seeks),
                        int(row.heard_s),
                        int(row.owner_gwei) * GWEI + int(row.owner_rest_wei),
                        int(row.reward_gwei) * GWEI + int(row.reward_rest_wei),
                    ),
                )
                for row in db.execute(query)
            ]


def _advance(db: Connection, server: bytes, epoch: int) -> None:
    """Raise the mark of a server's read epochs."""
    query = sa.select(READ_EPOCHS.c.until_epoch).where(READ_EPOCHS.c.server == server)
    if (db.execute(query).scalar() or -1) < epoch:
        upsert(db, READ_EPOCHS, {"server": server}, {"until_epoch": epoch})


def _line_values(line: PostedLine) -> dict[str, object]:
    return {
        "content": line.content,
        "owner": line.owner,
        "price_wei": str(line.price),
        "reward_wei": str(line.reward),
        "interval_s": line.interval_s,
        "intervals": line.intervals,
        "plays": line.plays,
        "refused": line.refused,
        "seeks": line.seeks,
        "heard_s": line.heard_s,
    }


def _lines(db: Connection, server: bytes, epoch: int) -> tuple[PostedLine, ...]:
    here = (POSTED_LINES.c.server == server, POSTED_LINES.c.epoch == epoch)
    rows = db.execute(sa.select(POSTED_LINES).where(*here).order_by(POSTED_LINES.c.line))
    return tuple(
        PostedLine(
            bytes(row.content),
            bytes(row.owner),
            int(row.price_wei),
            int(row.reward_wei),
            row.interval_s,
            row.intervals,
            row.plays,
            row.refused,
            row.seeks,
            row.heard_s,
        )
        for row in rows
    )


def _epoch_row(row: sa.Row[Any]) -> EpochRow:
    return EpochRow(
        bytes(row.server),
        row.epoch,
        row.starts_s,
        row.state,
        int(row.net_wei),
        row.gross_gwei * GWEI + row.gross_rest_wei,
        row.commission_bps,
        bytes(row.data_hash),
    )


def _add_lines(db: Connection, starts_s: int, lines: Iterable[PostedLine], sign: int) -> None:
    """Add lines to the sums of their day, or take them away (``sign`` -1)."""
    day = starts_s // DAY_S
    sums: dict[bytes, list[int]] = {}
    for line in lines:
        amounts = (line.plays, line.refused, line.seeks, line.heard_s, line.owner_wei, line.reward_wei)
        for content in (line.content, ALL):
            row = sums.setdefault(content, [0] * 6)
            for at, amount in enumerate(amounts):
                row[at] += amount
    for content, (plays, refused, seeks, heard_s, owner, reward) in sums.items():
        parts = (*divmod(owner, GWEI), *divmod(reward, GWEI))
        values = dict(zip(_SUMS, (plays, refused, seeks, heard_s, *parts), strict=True))
        key = {"unix_day": day, "content": content}
        _add(db, DAY_PLAYS, key, {name: sign * value for name, value in values.items()})


def _add(db: Connection, table: sa.Table, key: dict[str, object], values: dict[str, int]) -> None:
    """Add to the integers of a row, which begins at zero."""
    here = [table.c[name] == value for name, value in key.items()]
    raised = {name: table.c[name] + value for name, value in values.items()}
    if not db.execute(sa.update(table).where(*here).values(**raised)).rowcount:
        db.execute(sa.insert(table).values(**key, **values))
