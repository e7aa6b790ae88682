"""Posted epochs at a station: the same numbers as an audit's report, and sums that follow what stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from audit.epoch_totals import sum_epoch
from audit.reports import station as station_report
from audit.tables import EpochFile
from pywallet.errors import InputError
from pywallet.settlement import DebitRow, EpochData, EpochHeader, commitment, entries_digest, rest
from station.chain_interface import Post
from station.db.database import open_engine
from station.db.posted import DAY_S, PlaySums, PostedStore
from station.db.tables import DAY_PLAYS, METADATA
from station.payments.posted_sums import station_part
from tests.unit.audit.audit_book import CONTENTS, SCHEDULE, SERVER, STATIONS, honest, seal
from tests.unit.station.conftest import NOW_S, STATION_ADDRESS, World
from tests.unit.station.conftest import SERVER as OWN_SERVER


def commit_of(data: EpochData) -> bytes:
    """The commitment that a server posts for these data."""
    digest = entries_digest((row.payer, row.net) for row in data.debits)
    return commitment(EpochHeader(data.root, data.total, rest(digest, data.counts_root, data.hash)))


def part_of(data: EpochData, station: bytes) -> Any:
    return station_part(data.encode(), data.server, data.epoch, commit_of(data), station)


class Audited:
    """What a report reads of an audited epoch."""

    def __init__(self, totals: Any) -> None:
        self.totals, self.final, self.balances = totals, True, type("Balances", (), {"void": False})()


@given(st.integers(0, 60), st.integers(0, 1))
def test_a_station_reads_what_an_audit_reports(count: int, which: int) -> None:
    """A wei, a play or a second that differs from ``gomaa report station`` would show here."""
    data, station = honest(count), STATIONS[which]
    report = station_report(station)
    with EpochFile(data.encode()) as file:
        report.take(Audited(sum_epoch(file, SCHEDULE.length)))  # type: ignore[arg-type]
    part = part_of(data, station)
    for name, value in (
        ("gross_wei", part.gross),
        ("price_wei", sum(line.owner_wei for line in part.lines)),
        ("reward_wei", sum(line.reward_wei for line in part.lines)),
    ):
        assert report.total(name) == value
    lines = [row for row in report.rows if row["item"] != "commission"]
    for name, values in (
        ("plays", [line.plays for line in part.lines]),
        ("refused", [line.refused for line in part.lines]),
        ("seconds", [line.heard_s for line in part.lines]),
    ):
        assert sum(row[name] for row in lines) == sum(values)


def test_data_that_are_not_the_chains_are_refused() -> None:
    """Changed data, data of another epoch or server, and none at all."""
    data = honest()
    raw, commit = data.encode(), commit_of(data)
    for lie in (
        replace(data, plays=data.plays[1:]),
        replace(data, epoch=data.epoch + 1),
        replace(data, server=b"\x12" * 20),
    ):
        with pytest.raises(InputError) as error:
            station_part(seal(lie).encode(), SERVER, data.epoch, commit, STATIONS[0])
        assert error.value.code == "chain.mismatch"
    with pytest.raises(InputError) as error:
        station_part(raw[:-1], SERVER, data.epoch, commit, STATIONS[0])
    assert error.value.code == "message.schema"


def test_a_debit_that_its_plays_do_not_cost_is_refused() -> None:
    """A server that committed to a debit of one wei more would be shown as right."""
    data = honest()
    first, *others = data.debits
    lie = seal(replace(data, debits=(DebitRow(first.payer, first.net + 1), *others)))
    with pytest.raises(InputError) as error:
        part_of(lie, first.payer)
    assert error.value.code == "chain.mismatch"
    assert part_of(lie, others[0].payer).net == others[0].net


@pytest.fixture
def store() -> Iterator[PostedStore]:
    """Tables of an empty station."""
    engine = open_engine("sqlite://")
    METADATA.create_all(engine)
    yield PostedStore(engine)
    engine.dispose()


STEPS = st.lists(
    st.tuples(st.sampled_from(("take", "final", "void")), st.integers(1000, 1005), st.integers(0, 30)), max_size=20
)


@given(STEPS)
def test_sums_are_those_of_the_epochs_that_stand(steps: list[tuple[str, int, int]]) -> None:
    """An epoch that is counted twice, or a void one that stays, would show in the sums."""
    engine = open_engine("sqlite://")
    METADATA.create_all(engine)
    store, standing = PostedStore(engine), dict[int, Any]()
    states: dict[int, str] = {}
    for step, epoch, count in steps:
        if step == "take":
            part = part_of(honest(count, epoch), STATIONS[0])
            store.take(part, epoch * DAY_S // 2, "posted")
            if epoch not in states:
                standing[epoch], states[epoch] = part, "posted"
        elif states.get(epoch) == "posted":
            states[epoch] = step
            if step == "void":
                del standing[epoch]
        if step != "take":
            store.settle(SERVER, epoch, step)  # type: ignore[arg-type]
    lines = [line for part in standing.values() for line in part.lines]
    total = PlaySums(
        sum(line.plays for line in lines),
        sum(line.refused for line in lines),
        sum(line.seeks for line in lines),
        sum(line.heard_s for line in lines),
        sum(line.owner_wei for line in lines),
        sum(line.reward_wei for line in lines),
    )
    gross = sum(part.gross for part in standing.values())
    assert store.gross(0, 10**9) == sum(store.gross_by_day(0, 10**4).values()) == gross
    for found in (store.by_content(0, 10**6), store.by_day(0, 10**6)):
        assert PlaySums(*map(sum, zip(*map(_values, found.values()), strict=True))) == total if found else not lines
    with engine.connect() as db:
        assert all(row.plays >= 0 and row.heard_s >= 0 for row in db.execute(sa.select(DAY_PLAYS)))
    assert {row.epoch: row.state for row in store.epochs(0, 10**9)} == states
    assert sorted(store.unsettled()) == sorted((SERVER, epoch) for epoch, state in states.items() if state == "posted")
    engine.dispose()


def _values(sums: PlaySums) -> tuple[int, ...]:
    return (sums.plays, sums.refused, sums.seeks, sums.heard_s, sums.owner_wei, sums.reward_wei)


def test_amounts_beyond_an_sql_integer_are_exact(store: PostedStore) -> None:
    """A hundred million tokens and seven wei, in two columns; the whole supply is below 2^90 wei."""
    part = part_of(honest(), STATIONS[0])
    huge = replace(part.lines[0], price=10**26 + 7, intervals=3, reward=0)
    for epoch in (7, 8):
        store.take(replace(part, epoch=epoch, lines=(huge,)), 0, "posted")
    assert store.by_content(0, 1)[huge.content].owner_wei == 6 * (10**26 + 7)


def test_passages_add_up(store: PostedStore) -> None:
    """Listeners of a passage over two epochs."""
    for epoch in (1, 2):
        store.take(part_of(honest(10, epoch), STATIONS[0]), 0, "final")
    assert store.passages(CONTENTS[0]) == {3: 40}
    assert store.passages(CONTENTS[1]) == {0: 88}
    assert store.passages(CONTENTS[2]) == {}


async def test_a_round_reads_each_posted_epoch_once(world: World) -> None:
    """From the first ticket's epoch on; what fails is read in the next round, what is void leaves the sums."""
    await world.ticket()
    now_epoch = NOW_S // 60
    rounds = world.station.rounds

    def own(count: int, epoch: int) -> EpochData:
        data = honest(count, epoch, OWN_SERVER)
        rows = [(STATION_ADDRESS if row.station == STATIONS[0] else row.station) for row in data.stations]
        debits = [(STATION_ADDRESS if row.payer == STATIONS[0] else row.payer, row.net) for row in data.debits]
        stations = tuple(replace(row, station=name) for row, name in zip(data.stations, rows, strict=True))
        return seal(replace(data, stations=stations, debits=tuple(DebitRow(*pair) for pair in debits)))

    posted = {epoch: own(12, epoch) for epoch in (now_epoch - 3, now_epoch, now_epoch + 2)}
    for epoch, data in posted.items():
        world.chain.posts[OWN_SERVER, epoch] = Post(commit_of(data), final=False, void=False)
        world.server.data[epoch] = data.encode()
    del world.server.data[now_epoch + 2]
    await rounds.run_once()
    table = world.station.dashboard
    shown = await table.statements(0, NOW_S + 600, 100)
    assert [row.epoch for row in shown] == [now_epoch]
    world.server.data[now_epoch + 2] = posted[now_epoch + 2].encode()
    await rounds.run_once()
    asked = list(world.server.data_asked)
    await rounds.run_once()
    assert world.server.data_asked == asked
    shown = await table.statements(0, NOW_S + 600, 100)
    assert [(row.epoch, row.state) for row in shown] == [(now_epoch + 2, "posted"), (now_epoch, "posted")]
    world.chain.posts[OWN_SERVER, now_epoch] = Post(commit_of(posted[now_epoch]), final=False, void=True)
    world.chain.posts[OWN_SERVER, now_epoch + 2] = Post(commit_of(posted[now_epoch + 2]), final=True, void=False)
    await rounds.run_once()
    shown = await table.statements(0, NOW_S + 600, 100)
    assert [(row.epoch, row.state) for row in shown] == [(now_epoch + 2, "final"), (now_epoch, "void")]
    overview = await table.overview(28, (NOW_S + 600) * 1000)
    part = station_part(
        posted[now_epoch + 2].encode(), OWN_SERVER, now_epoch + 2, commit_of(posted[now_epoch + 2]), STATION_ADDRESS
    )
    assert sum(overview.gross_by_day) == part.gross == overview.money.day_gross
    assert sum(day.plays for day in overview.daily) == sum(line.plays for line in part.lines)
