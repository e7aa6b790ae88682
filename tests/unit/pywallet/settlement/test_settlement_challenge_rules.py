"""Answers to challenges, missing leaves, and faults of published data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.protocol import Receipt
from pywallet.settlement import (
    Answer,
    DebitRow,
    EpochData,
    EpochHeader,
    PayeeRow,
    SumTree,
    answer_for,
    commitment,
    fault,
    header_of,
    missing_leaf,
)  # fmt: skip

SERVER, A, B, C = (bytes([n]) * 20 for n in (9, 1, 2, 3))
LEAVES = ((A, 100), (B, 40), (A, 60), (C, 0))


def data(leaves: tuple[tuple[bytes, int], ...] = LEAVES, total: int | None = None) -> EpochData:
    """Published data of these leaves, with one paying station."""
    tree = SumTree(leaves)
    total = tree.total if total is None else total
    payees = tuple(PayeeRow(payee, amount) for payee, amount in leaves)
    return EpochData(
        SERVER, 7, tree.root, total, bytes(32), 500, payees=payees, debits=(DebitRow(bytes([8]) * 20, total),)
    )


def receipt(payee: bytes, wei: int, **change: object) -> Receipt:
    """A receipt of the server."""
    return replace(Receipt(SERVER, 7, payee, wei, bytes(32)), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("payee", "amount", "expected"),
    [(A, 100, None), (A, 101, "low"), (B, 40, None), (B, 41, "low"), (C, 1, "low"), (SERVER, 1, "absent")],
)
def test_a_low_or_absent_leaf(payee: bytes, amount: int, expected: str | None) -> None:
    """A receipt above its payee's largest leaf would count as covered."""
    assert missing_leaf(receipt(payee, amount), data()) == expected


@pytest.mark.parametrize("change", [{"epoch": 8}, {"server": A}, {"amount": 0}])
def test_receipts_that_do_not_concern_the_data(change: dict[str, object]) -> None:
    """A receipt of another epoch or server, or over zero, would count as broken."""
    assert missing_leaf(receipt(SERVER, 5, **change), data()) is None


@given(
    leaves=st.lists(st.tuples(st.sampled_from((A, B, C)), st.integers(0, 50)), max_size=9),
    payee=st.sampled_from((A, B, C)),
    amount=st.integers(1, 60),
)
def test_a_receipt_has_an_answer_or_a_missing_leaf(leaves: list[tuple[bytes, int]], payee: bytes, amount: int) -> None:
    """A receipt would have both, or neither."""
    published = data(tuple(leaves))
    header = header_of(published)
    found = answer_for(leaves, header, payee, amount)
    assert (found is None) == (missing_leaf(receipt(payee, amount), published) is not None)
    if found is not None:
        assert found.holds()
        assert found.amount >= amount
        assert not replace(found, amount=found.amount + 1).holds()
        assert answer_for(leaves, header, payee, amount, SumTree(leaves)) == found


def test_no_answer_under_another_header() -> None:
    """Leaves of another header would give an answer."""
    header = header_of(data())
    assert answer_for(LEAVES, replace(header, root=bytes(32)), A, 100) is None
    assert answer_for(LEAVES, replace(header, total=header.total + 1), A, 100) is None
    assert not Answer(header, A, 100, 0, ()).holds()
    assert answer_for((), EpochHeader(bytes(32), 0, bytes(32)), A, 1) is None


def test_each_fault_of_data() -> None:
    """Wrong leaves, sums or commitments would pass, or be confused."""
    good = data()
    word = commitment(header_of(good))
    assert fault(good, word) is None
    assert fault(good, word, SumTree(LEAVES)) is None
    assert fault(replace(good, payees=good.payees[:-1]), word) == "root"
    assert fault(data(total=199), word) == "total"
    assert fault(replace(good, debits=(DebitRow(A, 1),)), word) == "total"
    assert fault(replace(good, counts_root=bytes([1]) * 32), word) == "commitment"
    assert fault(replace(good, debits=(DebitRow(A, 200),)), word) == "commitment"
    assert fault(good, bytes(32)) == "commitment"
