"""Points and passes in SQLite: points once for each paid play, each point spent once, each pass redeemed once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pywallet.errors import Refusal
from pywallet.rewards import Award, PaidPlay, Pass, Programme, SignedPass
from pywallet.rewards.points_rules import DAY_S

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS awards (ticket INTEGER PRIMARY KEY, listener BLOB, owner BLOB, day INTEGER, points INTEGER);
CREATE INDEX IF NOT EXISTS awards_of ON awards (listener, day);
CREATE TABLE IF NOT EXISTS passes (
    serial INTEGER PRIMARY KEY AUTOINCREMENT, listener BLOB, offer TEXT, cost INTEGER, redeemed_s INTEGER,
    kind TEXT, text TEXT, ends_s INTEGER
);
"""


@dataclass(frozen=True)
class PassOffer:
    """An offer: a pass of a kind for ``cost`` points, valid for ``days`` after the purchase."""

    name: str
    kind: str
    cost: int
    days: int
    text: str


class RewardBook:
    """Points and passes in one file. Every change is one synced transaction.

    Args:
        path: The SQLite file.
        key: The station's private key, which signs passes.
        address: The station's address, 20 bytes.
        programme: Rules of points.
        offers: Passes that points buy.
    """

    def __init__(
        self, path: Path | str, key: bytes, address: bytes, programme: Programme, offers: Sequence[PassOffer] = ()
    ) -> None:
        self._path, self._key, self._address, self._programme = str(path), key, address, programme
        self._offers = {offer.name: offer for offer in offers}
        with closing(self._open()) as db:
            db.executescript(_SCHEMA)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, timeout=10)
        db.execute("PRAGMA synchronous=FULL")
        return db

    def give(self, plays: Iterable[tuple[int, PaidPlay]]) -> list[Award]:
        """Give points for finished plays, each with its ticket number; tickets that have points are skipped."""
        with closing(self._open()) as db, db:
            db.execute("BEGIN IMMEDIATE")
            new = [
                (ticket, play)
                for ticket, play in plays
                if not db.execute("SELECT 1 FROM awards WHERE ticket = ?", (ticket,)).fetchone()
            ]
            new.sort(key=lambda item: (item[1].time_s, item[0]))
            listeners = {play.listener for _, play in new}
            before: dict[tuple[bytes, int], int] = {}
            known_owners: set[tuple[bytes, bytes]] = set()
            for listener in listeners:
                for day, points in db.execute(
                    "SELECT day, SUM(points) FROM awards WHERE listener = ? GROUP BY day", (listener,)
                ):
                    before[listener, day] = points
                rows = db.execute(
                    "SELECT DISTINCT owner FROM awards WHERE listener = ? AND owner IS NOT NULL", (listener,)
                )
                known_owners |= {(listener, owner) for (owner,) in rows}
            awards = self._programme.award([play for _, play in new], before, known_owners)
            for (ticket, play), award in zip(new, awards, strict=True):
                counted = play.owner if award.total or award.capped else None
                row = (ticket, play.listener, counted, play.time_s // DAY_S, award.total)
                db.execute("INSERT INTO awards VALUES (?,?,?,?,?)", row)
            return awards

    def balance(self, listener: bytes) -> int:
        """Unspent points."""
        with closing(self._open()) as db:
            return _balance(db, listener)

    def buy(self, listener: bytes, name: str, now_s: int, balance: int | None = None) -> SignedPass:
        """Spend points on an offer.

        Args:
            listener: Their address at this station, 20 bytes.
            name: The offer's name.
            now_s: The chain's time, Unix s.
            balance: Points that the listener was shown; a repeated request then buys nothing. None: not checked.

        Raises:
            Refusal: ``station.points``: no such offer, too few points, or another balance.
        """
        offer = self._offers.get(name)
        if offer is None:
            raise Refusal("station.points", reason="offer")
        ends_s = now_s + offer.days * DAY_S
        with closing(self._open()) as db, db:
            db.execute("BEGIN IMMEDIATE")
            has = _balance(db, listener)
            if balance is not None and balance != has:
                raise Refusal("station.points", reason="balance", points=has)
            if (missing := offer.cost - has) > 0:
                raise Refusal("station.points", reason="points", short=missing)
            row = (listener, name, offer.cost, offer.kind, offer.text, ends_s)
            serial = db.execute(
                "INSERT INTO passes (listener, offer, cost, kind, text, ends_s) VALUES (?,?,?,?,?,?)", row
            ).lastrowid
            assert serial is not None
        return SignedPass.issue(Pass(self._address, listener, offer.kind, serial, ends_s, offer.text), self._key)

    def passes(self, listener: bytes) -> list[dict[str, Any]]:
        """A listener's latest 100 passes, newest first; ``redeemed_s`` is None until the pass is redeemed."""
        with closing(self._open()) as db:
            rows = db.execute(
                "SELECT serial, offer, kind, text, ends_s, redeemed_s FROM passes WHERE listener = ? ORDER BY serial "
                "DESC LIMIT 100",
                (listener,),
            ).fetchall()
        names = ("serial", "offer", "kind", "text", "ends_s", "redeemed_s")
        return [{**dict(zip(names, row, strict=True)), "serial": str(row[0])} for row in rows]

    def sold(self, listener: bytes, serial: int) -> SignedPass:
        """A pass that was sold to this listener, signed again.

        Raises:
            Refusal: ``station.points``.
        """
        with closing(self._open()) as db:
            row = db.execute(
                "SELECT kind, ends_s, text FROM passes WHERE serial = ? AND listener = ?", (serial, listener)
            ).fetchone()
        if row is None:
            raise Refusal("station.points", reason="pass")
        return SignedPass.issue(Pass(self._address, listener, row[0], serial, row[1], row[2]), self._key)

    def free_of_ads(self, listener: bytes, now_s: int) -> bool:
        """True if an ad-free pass of this listener is in use."""
        with closing(self._open()) as db:
            query = (
                "SELECT 1 FROM passes WHERE listener = ? AND kind = 'ad-free' AND redeemed_s IS NOT NULL AND ends_s > ?"
            )
            return db.execute(query, (listener, now_s)).fetchone() is not None

    def redeem(self, signed: SignedPass, listener: bytes, now_s: int) -> None:
        """Redeem a pass of this station: an offer once, an ad-free pass any number of times.

        Raises:
            Refusal: ``ticket.signature``, ``ticket.expired``, ``station.points`` (never sold, or redeemed).
        """
        signed.require(self._address, listener, now_s)
        with closing(self._open()) as db, db:
            db.execute("BEGIN IMMEDIATE")
            row = db.execute(
                "SELECT redeemed_s FROM passes WHERE serial = ? AND listener = ?", (signed.message.serial, listener)
            ).fetchone()
            if row is None:
                raise Refusal("station.points", reason="pass")
            if row[0] is not None and signed.message.kind == "offer":
                raise Refusal("station.points", reason="pass")
            db.execute(
                "UPDATE passes SET redeemed_s = COALESCE(redeemed_s, ?) WHERE serial = ?",
                (now_s, signed.message.serial),
            )


def _balance(db: sqlite3.Connection, listener: bytes) -> int:
    given = db.execute("SELECT COALESCE(SUM(points), 0) FROM awards WHERE listener = ?", (listener,)).fetchone()[0]
    spent = db.execute("SELECT COALESCE(SUM(cost), 0) FROM passes WHERE listener = ?", (listener,)).fetchone()[0]
    return int(given - spent)
