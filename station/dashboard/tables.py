"""Tables of the operator's pages as CSV and JSON; amounts are exact, in wei."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from pywallet.encoding.hex import to_hex
from station.dashboard.money import DAY_S
from station.dashboard.views import Overview, SongRow, Statement
from station.db.posted import EpochRow

Cell = str | int
TableRow = Mapping[str, Cell]
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which a spreadsheet takes a cell for a formula."""


def as_csv(columns: Sequence[str], rows: Sequence[TableRow]) -> str:
    """A table as CSV (RFC 4180). A text that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
    return out.getvalue()


def _cell(value: Cell) -> Cell:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


DAY_COLUMNS: Final = ("day", "plays", "refused", "seeks", "heard_s", "owner_wei", "reward_wei", "gross_wei")


def day_rows(view: Overview) -> list[TableRow]:
    """Plays and money of each day."""
    return [
        {
            "day": f"{datetime.fromtimestamp((view.first_day + at) * DAY_S, UTC):%Y-%m-%d}",
            "plays": sums.plays,
            "refused": sums.refused,
            "seeks": sums.seeks,
            "heard_s": sums.heard_s,
            "owner_wei": str(sums.owner_wei),
            "reward_wei": str(sums.reward_wei),
            "gross_wei": str(gross),
        }
        for at, (sums, gross) in enumerate(zip(view.daily, view.gross_by_day, strict=True))
    ]


SONG_COLUMNS: Final = (
    *("content", "title", "artist", "genre", "licence", "licence_until_s"),
    *("plays", "refused", "seeks", "heard_s", "owner_wei", "reward_wei"),
)


def song_rows(rows: Sequence[SongRow]) -> list[TableRow]:
    """Songs with licence and plays; ``licence_until_s`` is 0 without a known end."""
    return [
        {
            "content": to_hex(row.content),
            "title": row.song.title if row.song else "",
            "artist": row.song.artist if row.song else "",
            "genre": (row.song.genre or "") if row.song else "",
            "licence": row.licence.standing if row.licence else "unknown",
            "licence_until_s": (row.licence.until_s or 0) if row.licence else 0,
            "plays": row.sums.plays,
            "refused": row.sums.refused,
            "seeks": row.sums.seeks,
            "heard_s": row.sums.heard_s,
            "owner_wei": str(row.sums.owner_wei),
            "reward_wei": str(row.sums.reward_wei),
        }
        for row in rows
    ]


EPOCH_COLUMNS: Final = ("server", "epoch", "starts_s", "state", "commission_bps", "net_wei", "gross_wei", "data_hash")


def epoch_rows(rows: Sequence[EpochRow]) -> list[TableRow]:
    """Posted epochs."""
    return [
        {
            "server": to_hex(row.server),
            "epoch": row.epoch,
            "starts_s": row.starts_s,
            "state": row.state,
            "commission_bps": row.bps,
            "net_wei": str(row.net),
            "gross_wei": str(row.gross),
            "data_hash": to_hex(row.data_hash),
        }
        for row in rows
    ]


LINE_COLUMNS: Final = (
    *("content", "owner", "plays", "refused", "seeks", "heard_s", "interval_s", "intervals"),
    *("price_wei", "reward_wei", "owner_total_wei", "reward_total_wei"),
)


def line_rows(statement: Statement) -> list[TableRow]:
    """Lines of a posted epoch; ``price_wei`` and ``reward_wei`` are those of an interval."""
    return [
        {
            "content": to_hex(line.content),
            "owner": to_hex(line.owner),
            "plays": line.plays,
            "refused": line.refused,
            "seeks": line.seeks,
            "heard_s": line.heard_s,
            "interval_s": line.interval_s,
            "intervals": line.intervals,
            "price_wei": str(line.price),
            "reward_wei": str(line.reward),
            "owner_total_wei": str(line.owner_wei),
            "reward_total_wei": str(line.reward_wei),
        }
        for line in statement.lines
    ]
