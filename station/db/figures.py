"""Listeners over time, and refused requests for tickets by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from station.db.ledger import Store
from station.db.tables import AUDIENCE, DAY_REFUSALS

SLOT_S: Final = 300
"""Length of a slot of the listeners over time, s."""
KEPT_DAYS: Final = 400
"""Days for which the listeners over time are kept."""
DAY_S: Final = 86_400


class Figures:
    """Counts for the operator. Methods block for one transaction; call them from a thread.

    Args:
        store: For the database, and the listeners with GoMAA.
        plain_listeners: Returns the number of listeners of the plain stream.
    """

    def __init__(self, store: Store, plain_listeners: Callable[[], int] = lambda: 0) -> None:
        self._store = store
        self._engine: Engine = store.engine
        self._reading = store.engine.execution_options(reading=True)
        self._plain_listeners = plain_listeners
        self._refused: Counter[str] = Counter()

    def listeners(self, now_ms: int) -> tuple[int, int]:
        """Listeners with GoMAA and of the plain stream, at a time (Unix ms)."""
        return self._store.playing(now_ms), self._plain_listeners()

    def note_listeners(self, now_ms: int) -> None:
        """Raise the peaks of the present slot, write what was refused, and delete slots older than ``KEPT_DAYS``."""
        extension, plain = self.listeners(now_ms)
        slot_s = now_ms // 1000 // SLOT_S * SLOT_S
        here = AUDIENCE.c.slot_s == slot_s
        with self._engine.begin() as db:
            self._write_refusals(db, now_ms // 1000 // DAY_S)
            row = db.execute(sa.select(AUDIENCE).where(here)).first()
            if row is None:
                db.execute(sa.delete(AUDIENCE).where(AUDIENCE.c.slot_s < slot_s - KEPT_DAYS * DAY_S))
                db.execute(sa.insert(AUDIENCE).values(slot_s=slot_s, extension_peak=extension, plain_peak=plain))
            elif extension > row.extension_peak or plain > row.plain_peak:
                peaks = {
                    "extension_peak": max(extension, row.extension_peak),
                    "plain_peak": max(plain, row.plain_peak),
                }
                db.execute(sa.update(AUDIENCE).where(here).values(**peaks))

    def audience(self, from_s: int, until_s: int, step_s: int) -> list[tuple[int, int, int]]:
        """Peaks of listeners with GoMAA and of the plain stream.

        Args:
            from_s: First time, Unix s.
            until_s: End, exclusive.
            step_s: Length of a step, s; a multiple of ``SLOT_S``.

        Returns:
            Beginning of each step that has slots, and its two peaks.
        """
        step = AUDIENCE.c.slot_s - AUDIENCE.c.slot_s % step_s
        peaks = (sa.func.max(AUDIENCE.c.extension_peak), sa.func.max(AUDIENCE.c.plain_peak))
        inside = (AUDIENCE.c.slot_s >= from_s, AUDIENCE.c.slot_s < until_s)
        query = sa.select(step, *peaks).where(*inside).group_by(step).order_by(step)
        with self._reading.connect() as db:
            return [(int(begin), int(extension), int(plain)) for begin, extension, plain in db.execute(query)]

    def note_refusal(self, code: str) -> None:
        """Count a refused request for a ticket; it is written with the next listeners: a flood costs no writes."""
        self._refused[code] += 1

    def _write_refusals(self, db: Connection, day: int) -> None:
        refused, self._refused = self._refused, Counter()
        for code, number in refused.items():
            here = (DAY_REFUSALS.c.unix_day == day, DAY_REFUSALS.c.code == code)
            raised = sa.update(DAY_REFUSALS).where(*here).values(refusals=DAY_REFUSALS.c.refusals + number)
            if not db.execute(raised).rowcount:
                db.execute(sa.insert(DAY_REFUSALS).values(unix_day=day, code=code, refusals=number))

    def refusals(self, from_day: int, until_day: int) -> list[tuple[str, int]]:
        """Codes and numbers of refusals in [``from_day``, ``until_day``), days since 1970; most first."""
        number = sa.func.sum(DAY_REFUSALS.c.refusals)
        inside = (DAY_REFUSALS.c.unix_day >= from_day, DAY_REFUSALS.c.unix_day < until_day)
        query = sa.select(DAY_REFUSALS.c.code, number).where(*inside).group_by(DAY_REFUSALS.c.code)
        with self._reading.connect() as db:
            return [
                (code, int(count)) for code, count in db.execute(query.order_by(number.desc(), DAY_REFUSALS.c.code))
            ]
