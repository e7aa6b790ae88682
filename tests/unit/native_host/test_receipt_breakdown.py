"""Division of receipts among plays, to the wei."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from native_host.ledger import ReceiptRow
from native_host.payments.receipt_breakdown import Part, Play, parts

SERVER, OTHER, PAYEE = b"s" * 20, b"o" * 20, b"p" * 20


def receipt(epoch: int, amount: int, server: bytes = SERVER) -> ReceiptRow:
    """A receipt of one epoch."""
    return ReceiptRow(server, epoch, PAYEE, 1, bytes(20), amount, "", "", bytes(20), "")


def play(number: int, intervals: int, reward: int = 10, server: bytes = SERVER) -> Play:
    """A play of whole intervals of 30 s, and a part of one."""
    return Play(
        server, PAYEE, bytes([number]) * 20, bytes([number]) * 32, number, intervals * 30_000 + 29_999, 30, reward
    )


def test_receipts_are_filled_from_the_oldest_plays() -> None:
    """A play that two epochs pay is divided between them in order, for any order of the receipts."""
    one, two = play(1, 3), play(2, 2)
    found = parts([receipt(8, 30), receipt(7, 20)], [one, two])
    assert found[(SERVER, 7, PAYEE)] == [Part(one, 20)]
    assert found[(SERVER, 8, PAYEE)] == [Part(one, 10), Part(two, 20)]


def test_plays_of_other_computers_are_a_part_of_their_own() -> None:
    """What exceeds the plays of this computer is one part without a play, never from another server's plays."""
    here, there = play(1, 1), play(2, 9, server=OTHER)
    assert parts([receipt(7, 25)], [here, there])[(SERVER, 7, PAYEE)] == [Part(here, 10), Part(None, 15)]


def test_a_play_without_a_whole_interval_is_no_part() -> None:
    """It is in no receipt."""
    assert parts([receipt(7, 10)], [play(1, 0), play(2, 1)])[(SERVER, 7, PAYEE)] == [Part(play(2, 1), 10)]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 1 << 70), st.booleans()), max_size=12),
    st.dictionaries(st.tuples(st.integers(0, 9), st.booleans()), st.integers(0, 1 << 76), max_size=8),
)
def test_parts_add_up_and_no_play_pays_twice(
    heard: list[tuple[int, int, bool]], owed: dict[tuple[int, bool], int]
) -> None:
    """The parts of a receipt add up to it; over all receipts a play has at most the amount that it earned."""
    plays = [
        play(n, intervals, reward, OTHER if other else SERVER) for n, (intervals, reward, other) in enumerate(heard)
    ]
    receipts = [receipt(epoch, amount, OTHER if other else SERVER) for (epoch, other), amount in owed.items()]
    found = parts(receipts, plays)
    for row in receipts:
        assert sum(part.amount for part in found[(row.server, row.epoch, row.payee)]) == row.amount_wei
    for one in plays:
        given = sum(part.amount for made in found.values() for part in made if part.play == one)
        assert given <= one.amount
