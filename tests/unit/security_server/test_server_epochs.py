"""A closed epoch is bytes.

Whatever happens before, while and after it is closed, everything leads to what was posted.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import GomaaError, Refusal, Unavailable
from tests.budget import budget
from tests.unit.security_server.epoch_server import STATION, EpochServer, begin_s, run
from tests.unit.security_server.ledger_chain import SCHEDULE, Killed, LedgerChain
from tests.unit.security_server.server_desk import CONTENT

STEPS = st.lists(
    st.one_of(
        st.just(("open", 0)),
        st.tuples(st.just("hear"), st.integers(0, 2)),
        st.tuples(st.just("hear"), st.integers(0, 2)),
        st.tuples(st.just("refuse"), st.integers(0, 5)),
        st.just(("pay", 0)),
        st.just(("pay", 0)),
        st.tuples(st.just("wait"), st.sampled_from((1, 5, 11, 25, 60))),
        st.just(("round", 0)),
        st.just(("restart", 0)),
        # The process ends at the n-th question to the chain of a round or a payment.
        st.tuples(st.just("killed round"), st.integers(0, 12)),
        st.tuples(st.just("killed pay"), st.integers(0, 6)),
    ),
    min_size=10,
    max_size=40,
)


async def live(folder: Path, steps: list[tuple[str, int]]) -> EpochServer:
    """Do the steps, and then let two epochs pass with nothing wrong; every posted epoch is checked after every step."""
    chain = LedgerChain(begin_s())
    chain.deposit(STATION, 10**12)
    server = EpochServer(folder, chain)
    await server.prepare()
    playing = [await server.open()]
    before: dict[int, bytes] = {}
    for what, number in steps:
        chain.kill_in = number if what.startswith("killed") else None
        try:
            match what.removeprefix("killed "):
                case "open":
                    playing.append(await server.open())
                case "hear":
                    chain.time_s += 11
                    await server.hear(playing[-1 - number % len(playing)])
                case "refuse":
                    await server.refuse(playing[number % len(playing)])
                case "pay":
                    await server.pay()
                case "wait":
                    chain.time_s += number
                case "round":
                    await server.closing.round()
                case "restart":
                    server.restart()
                    await server.parts.agreement.compare()
        except Killed:
            chain.kill_in = None
            server.restart()
            await server.parts.agreement.compare()
        except GomaaError as error:
            assert error.code in {"voucher.cap", "station.escrow.short", "server.unbonded"}, error
        chain.kill_in = None
        found = await server.bytes_of()
        assert {epoch: found.get(epoch) for epoch in before} == before
        before = found
        for epoch in chain.ledger.posts:
            await server.check_epoch(epoch)
    for _ in range(8):
        await server.closing.round()
        chain.time_s += SCHEDULE.length // 4
    await server.collect()
    for epoch in chain.ledger.posts:
        await server.check_epoch(epoch)
    return server


@pytest.mark.long
@budget(2)
@given(STEPS)
def test_every_posted_epoch_is_what_was_posted(steps: list[tuple[str, int]]) -> None:
    """Arbitrary traffic, restarts and kills.

    Data, proofs, answers and usages lead to the commitment, and every receipt is provable.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = run(live(Path(folder), steps))
        server.kill()


async def started(folder: Path) -> tuple[LedgerChain, EpochServer]:
    """A chain on which the station has escrow, and a server with one song."""
    chain = LedgerChain(begin_s())
    chain.deposit(STATION, 10**12)
    server = EpochServer(folder, chain)
    await server.prepare()
    return chain, server


async def test_a_play_across_the_epochs_end_changes_no_published_data(tmp_path: Path) -> None:
    """The finding: renewals and a seek after the close changed the tag, and with it what the server published."""
    chain, server = await started(tmp_path)
    ticket = await server.open()
    chain.time_s += 30
    await server.hear(ticket)
    assert await server.pay() == 2
    chain.time_s += 31
    epoch = SCHEDULE.epoch_of(begin_s())
    await server.closing.round()
    assert epoch in chain.ledger.posts
    posted = await server.publishing.data(epoch)
    await server.hear(ticket)
    await server.pay()
    server.restart()
    assert await server.publishing.data(epoch) == posted
    await server.check_epoch(epoch)
    server.kill()


async def test_refused_plays_do_not_fill_the_price_table(tmp_path: Path) -> None:
    """The finding: one station's refused plays under ever new prices made an epoch that could not be written."""
    from pywallet.settlement import NO_TERMS, EpochData
    from security_server.db.tables import tickets

    chain, server = await started(tmp_path)
    paid = await server.open()
    chain.time_s += 30
    await server.hear(paid)
    await server.pay()
    for price in range(40):
        ticket = await server.open()
        change = tickets.update().where(tickets.c.id == ticket).values(price=1_000 + price)
        await server.store.run(lambda connection, change=change: connection.execute(change) and None)
        await server.refuse(ticket)
    chain.time_s += 60
    await server.closing.round()
    data = EpochData.decode(await server.publishing.data(SCHEDULE.epoch_of(begin_s())))
    assert len(data.terms) == 1
    assert data.plays[0].terms == 0
    assert {play.terms for play in data.plays[1:]} == {NO_TERMS}
    assert len(data.plays) > 40
    server.kill()


async def test_a_play_longer_than_18_hours_is_not_cut(tmp_path: Path) -> None:
    """The finding: 65,535 s were the most that a row could say."""
    from pywallet.settlement import EpochData
    from security_server.db.tables import lines

    chain, server = await started(tmp_path)
    ticket = await server.open()
    chain.time_s += 30
    await server.hear(ticket)
    await server.pay()
    await server.store.run(
        lambda connection: connection.execute(lines.update().values(settled_intervals=7_000)) and None
    )
    chain.time_s += 31
    await server.closing.round()
    data = EpochData.decode(await server.publishing.data(SCHEDULE.epoch_of(begin_s())))
    assert [play.heard_s for play in data.plays] == [70_000]
    server.kill()


async def test_a_failing_epoch_does_not_stop_the_others(tmp_path: Path) -> None:
    """An epoch with a value that no format holds is logged with its code; the next one is posted."""
    from security_server.db.tables import lines

    chain, server = await started(tmp_path)
    ticket = await server.open()
    chain.time_s += 30
    await server.hear(ticket)
    await server.pay()
    await server.store.run(lambda connection: connection.execute(lines.update().values(number=1 << 32)) and None)
    chain.time_s += 31
    await server.hear(ticket)
    await server.pay()
    chain.time_s += 60
    first = SCHEDULE.epoch_of(begin_s())
    await server.closing.round()
    assert set(chain.ledger.posts) == {first + 1}
    await server.check_epoch(first + 1)
    server.kill()


async def test_nothing_is_counted_in_a_closed_epoch(tmp_path: Path) -> None:
    """The check runs in the transaction, regardless of the caller's clock."""
    from security_server.epochs.settled_lines import require_open

    chain = LedgerChain(begin_s())
    server = EpochServer(tmp_path, chain)
    await server.prepare()
    await server.open()
    chain.time_s += 61
    await server.closing.round()
    epoch = SCHEDULE.epoch_of(begin_s())
    for closed, fine in ((epoch - 1, False), (epoch, False), (epoch + 1, True)):
        try:
            await server.store.run(lambda connection, closed=closed: require_open(connection, closed))
        except GomaaError as error:
            assert (error.code, fine) == ("server.epoch.closed", False)
        else:
            assert fine
    server.kill()


async def test_nothing_is_paid_into_an_epoch_that_has_not_begun(tmp_path: Path) -> None:
    """Found by the simulation.

    A restored server paid into the next epoch, and a sale before it began gave that epoch another owner.
    """
    chain, server = await started(tmp_path)
    ticket = await server.open()
    chain.time_s += 61
    await server.hear(ticket)
    await server.closing.round()
    # The chain's time is taken back before the end of the epoch that is closed now.
    chain.time_s -= 10
    with pytest.raises(Refusal) as caught:
        await server.pay()
    assert caught.value.code == "server.epoch.closed"
    assert not server.receipts
    chain.time_s += 10
    assert await server.pay() > 0
    server.kill()


async def test_an_epoch_names_the_owner_of_a_content_that_was_only_refused(tmp_path: Path) -> None:
    """Not the uploader, who may have sold the recording since."""
    from pywallet.settlement import EpochData
    from security_server.db.tables import epoch_contents

    chain, server = await started(tmp_path)
    await server.refuse(await server.open())
    await server.store.run(lambda connection: connection.execute(epoch_contents.delete()) and None)
    chain.time_s += 61
    await server.closing.round()
    epoch = SCHEDULE.epoch_of(begin_s())
    (row,) = EpochData.decode(await server.publishing.data(epoch)).contents
    assert row.owner == await chain.owner_at(CONTENT, epoch)
    server.kill()


async def test_an_epoch_that_differs_from_the_chain_has_no_proofs(tmp_path: Path) -> None:
    """Found by the simulation.

    A restored copy closed the epoch with its own counts, and a watcher took what it published for a lie.
    """
    chain, server = await started(tmp_path)
    ticket = await server.open()
    chain.time_s += 20
    await server.hear(ticket)
    await server.pay()
    server.copy(tmp_path / "copy")
    chain.time_s += 11
    await server.hear(ticket)
    await server.pay()
    chain.time_s += 30
    await server.closing.round()
    epoch = SCHEDULE.epoch_of(begin_s())
    posted = await server.publishing.data(epoch)
    payee = next(one.payee for one in server.receipts if one.epoch == epoch)
    server.kill()
    (tmp_path / "copy").replace(server.database)
    server.start()
    await server.closing.round()
    assert server.parts.agreement.differing == {epoch}
    assert (await server.bytes_of())[epoch] != posted
    for look in (
        server.publishing.data(epoch),
        server.publishing.leaf(epoch, payee),
        server.publishing.counts(epoch, CONTENT),
    ):
        with pytest.raises(Unavailable, match=r"server\.mismatch\.chain"):
            await look
    await server.importing.take(posted)
    server.imported.add(epoch)
    assert await server.publishing.data(epoch) == posted
    await server.check_epoch(epoch)
    server.kill()
