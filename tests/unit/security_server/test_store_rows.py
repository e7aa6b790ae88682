"""Rows in memory against a model: whatever fails, the database and the memory hold what was committed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, event, insert, select, update

from security_server.db.connection import Connection
from security_server.db.queries import add, change, get, new, put
from security_server.db.rows import Selection
from security_server.db.tables import epoch_contents
from security_server.db.writer import Store
from tests.budget import budget

Model = dict[int, tuple[int, int]]
"""Content to plays and seeks."""
EPOCH = 1
PLAYED = Selection(
    epoch_contents,
    "epoch",
    lambda row: row["plays"] > 0,
    epoch_contents.c.plays > 0,
    lambda row: (row["plays"], row["seeks"]),
)
STEPS = ("new", "put", "add", "change", "read", "sum", "sql insert", "sql update", "sql delete", "delete", "fail")
Step = tuple[str, int, int]


def content(number: int) -> bytes:
    """An address."""
    return bytes([number]) * 20


def modelled(model: Model, steps: list[Step]) -> Model | None:
    """The model after a function; None: it fails."""
    after = dict(model)
    for kind, number, amount in steps:
        plays, seeks = after.get(number, (0, 0))
        if kind in ("new", "sql insert"):
            if number in after:
                return None
            after[number] = (amount, 0)
        elif kind == "put":
            after[number] = (amount, seeks)
        elif kind == "add":
            after[number] = (plays + amount, seeks + 1)
        elif kind in ("change", "sql update") and number in after:
            after[number] = (plays, amount)
        elif kind in ("delete", "sql delete"):
            after.pop(number, None)
        elif kind == "fail":
            return None
    return after


def function(model: Model, steps: list[Step]) -> Callable[[Connection], None]:
    """The same steps against the database; each reads what the model says."""

    def run(connection: Connection) -> None:
        now: Model = model
        for kind, number, amount in steps:
            key = {"epoch": EPOCH, "content": content(number)}
            match = (epoch_contents.c.epoch == EPOCH, epoch_contents.c.content == content(number))
            if kind == "new":
                new(connection, epoch_contents, **key, plays=amount)
            elif kind == "put":
                put(connection, epoch_contents, key, plays=amount)
            elif kind == "add":
                add(connection, epoch_contents, key, plays=amount, seeks=1)
            elif kind == "change":
                assert change(connection, epoch_contents, key, seeks=amount) == (number in now)
            elif kind == "sql insert":
                connection.execute(insert(epoch_contents).values(**key, plays=amount))
            elif kind == "sql update":
                connection.execute(update(epoch_contents).where(*match).values(seeks=amount))
            elif kind == "sql delete":
                connection.execute(delete(epoch_contents).where(*match))
            elif kind == "delete":
                connection.delete(epoch_contents, [(EPOCH, content(number))])
            elif kind == "fail":
                raise ValueError(kind)
            after = modelled(now, [(kind, number, amount)])
            if after is None:
                # A second row with a key is refused with the transaction at the latest.
                connection.flush()
                raise AssertionError("the database took a second row")
            now = after
            row = get(connection, epoch_contents, **key)
            assert (None if row is None else (row["plays"], row["seeks"])) == now.get(number)
            if kind == "read":
                found = connection.execute(select(epoch_contents.c.plays).where(*match)).scalar()
                assert found == (now[number][0] if number in now else None)
            if kind == "sum":
                group = connection.group(PLAYED, EPOCH)
                assert {key[1][0]: row["plays"] for key, row in group.rows.items()} == {
                    other: plays for other, (plays, _) in now.items() if plays
                }
                assert group.sums == [sum(plays for plays, _ in now.values()), sum(s for p, s in now.values() if p)]

    return run


def stored(path: Path) -> Model:
    """What another connection sees."""
    with closing(sqlite3.connect(path)) as other:
        rows = other.execute("select content, plays, seeks from epoch_contents").fetchall()
    return {name[0]: (plays, seeks) for name, plays, seeks in rows}


step = st.tuples(st.sampled_from(STEPS), st.integers(1, 4), st.integers(0, 3))


@budget(2.4)
@given(groups=st.lists(st.lists(st.lists(step, max_size=6), min_size=1, max_size=4), max_size=4), full=st.data())
def test_functions_that_fail_leave_no_trace(groups: list[list[list[Step]]], full: st.DataObject) -> None:
    """Groups of functions, some of which fail, and transactions that the disk refuses."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        asyncio.run(_run(path, groups, full))


async def _run(path: Path, groups: list[list[list[Step]]], full: st.DataObject) -> None:
    store = Store(f"sqlite:///{path}")
    model: Model = {}
    try:
        for group in groups:
            fails = full.draw(st.booleans(), "the commit fails")
            if fails:
                event.listen(store._engine, "commit", _no_space)
            expected: list[bool] = []
            functions = []
            now = model
            for steps in group:
                functions.append(function(now, steps))
                after = modelled(now, steps)
                expected.append(after is not None and not fails)
                now = now if after is None else after
            outcomes = await asyncio.gather(*map(store.run, functions), return_exceptions=True)
            assert [not isinstance(outcome, BaseException) for outcome in outcomes] == expected, outcomes
            if fails:
                # Nothing is stored, and nothing is believed to be.
                event.remove(store._engine, "commit", _no_space)
            else:
                model = now
            assert not any(isinstance(outcome, AssertionError) for outcome in outcomes)
            assert stored(path) == model
    finally:
        store.close()


def _no_space(_: object) -> None:
    """A commit that the disk refuses."""
    raise OSError(28, "No space left on device")
