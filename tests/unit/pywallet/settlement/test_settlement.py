"""Settlement off the chain: trees, commitments, commission, schedule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.crypto import keccak256
from pywallet.settlement import (
    CountsTree,
    EpochHeader,
    Schedule,
    SumTree,
    commitment,
    content_leaf,
    entries_digest,
    gross,
    rest,
    usage_leaf,
    usage_tag,
    verify_count,
    verify_leaf,
)

wei = st.integers(0, (1 << 96) - 1)
leaves = st.lists(st.tuples(st.binary(min_size=20, max_size=20), wei), min_size=1, max_size=40)
hashes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)
OTHER = b"\x77" * 20


def word(value: int) -> bytes:
    """32 bytes, big-endian."""
    return value.to_bytes(32, "big")


def header(tree: SumTree) -> EpochHeader:
    """The header of an epoch with this tree alone."""
    return EpochHeader(tree.root, tree.total, bytes(32))


def test_a_tree_of_three_by_hand() -> None:
    """A leaf, node or padding would be hashed otherwise than specified."""
    payees = [(b"\1" * 20, 5), (b"\2" * 20, 7), (b"\3" * 20, 11)]
    a, b, c = (keccak256(word(0) + bytes(12) + payee + word(amount)) for payee, amount in payees)
    left = keccak256(word(1) + a + word(5) + b + word(7))
    right = keccak256(word(1) + c + word(11) + word(0) + word(0))
    tree = SumTree(payees)
    assert tree.root == keccak256(word(1) + left + word(12) + right + word(11))
    assert (tree.total, tree.depth) == (23, 2)
    assert tree.proof(2) == [(bytes(32), 0), (left, 12)]


@given(leaves, st.data())
def test_every_leaf_is_proven(payees: list[tuple[bytes, int]], data: Any) -> None:
    """A leaf would have no valid proof, or the total differ from the sum."""
    tree = SumTree(payees)
    index = data.draw(st.integers(0, len(payees) - 1))
    assert tree.total == sum(amount for _, amount in payees)
    assert len(tree.proof(index)) == tree.depth
    assert verify_leaf(header(tree), *payees[index], index, tree.proof(index))


@given(leaves, st.data())
def test_nothing_else_is_proven(payees: list[tuple[bytes, int]], data: Any) -> None:
    """Another amount, payee, index, proof, total or root would be accepted."""
    tree = SumTree(payees)
    index = data.draw(st.integers(0, len(payees) - 1))
    (payee, amount), proof, head = payees[index], tree.proof(index), header(tree)
    assert not verify_leaf(head, payee, amount + 1, index, proof)
    assert not verify_leaf(head, OTHER if payee != OTHER else bytes(20), amount, index, proof)
    assert not verify_leaf(EpochHeader(head.root, head.total + 1, head.rest), payee, amount, index, proof)
    assert not verify_leaf(EpochHeader(bytes(32), head.total, head.rest), payee, amount, index, proof)
    assert not verify_leaf(head, payee, amount, index, [*proof, (bytes(32), 0)])
    for at in range(len(proof)):
        digest, total = proof[at]
        assert not verify_leaf(head, payee, amount, index, [*proof[:at], (digest, total + 1), *proof[at + 1 :]])
        assert not verify_leaf(head, payee, amount, index, [*proof[:at], *proof[at + 1 :]])


def test_an_index_has_no_aliases() -> None:
    """A leaf could be paid under two indices."""
    payees = [(bytes([i]) * 20, i) for i in range(4)]
    tree = SumTree(payees)
    assert verify_leaf(header(tree), *payees[1], 1, tree.proof(1))
    for alias in (5, 1 + (1 << 32), 1 + (1 << 255), -3):
        assert not verify_leaf(header(tree), *payees[1], alias, tree.proof(1))


def test_amounts_outside_a_word_are_refused() -> None:
    """A negative or too large sum would verify, or raise."""
    tree = SumTree([(b"\1" * 20, 1), (b"\2" * 20, 2)])
    top = (1 << 256) - 1
    for amount, proof in (
        (-1, tree.proof(0)),
        (1 << 256, tree.proof(0)),
        (top, [(bytes(32), top)]),
        (1, [(bytes(32), -1)]),
        (1, [(bytes(31), 2)]),
        (1, [(bytes(32), 0)] * 33),
    ):
        assert not verify_leaf(header(tree), b"\1" * 20, amount, 0, proof)


def test_an_empty_epoch() -> None:
    """An epoch without payees would have another root, or a claimable leaf."""
    tree = SumTree([])
    assert (tree.root, tree.total, tree.depth) == (bytes(32), 0, 0)
    assert not verify_leaf(header(tree), b"\1" * 20, 0, 0, [])
    with pytest.raises(IndexError):
        tree.proof(0)


def test_a_proof_of_no_leaf_is_an_error() -> None:
    """Padding or a negative index would have a proof."""
    for tree in (SumTree([(OTHER, 1)] * 3), CountsTree([b"\1" * 32] * 3)):
        for index in (-1, 3, 4):
            with pytest.raises(IndexError):
                tree.proof(index)


@given(hashes, st.data())
def test_counts_are_proven_at_their_index_only(counts: list[bytes], data: Any) -> None:
    """A counts leaf would verify at another index or root."""
    tree = CountsTree(counts)
    index = data.draw(st.integers(0, len(counts) - 1))
    proof = tree.proof(index)
    assert verify_count(tree.root, counts[index], index, proof)
    assert not verify_count(tree.root, keccak256(counts[index]), index, proof)
    assert not verify_count(keccak256(tree.root), counts[index], index, proof)
    assert not verify_count(tree.root, counts[index], index + (1 << len(proof)), proof)
    assert not verify_count(tree.root, counts[index], index, [*proof, bytes(32)])
    assert not verify_count(tree.root, counts[index], index, [p[:31] for p in proof] or [b""])


def test_an_inner_node_is_no_leaf() -> None:
    """An inner node would verify as a leaf."""
    a, b = content_leaf(OTHER, 1, 0, 2, 3), usage_leaf(bytes(32), OTHER, 1, 2, 3)
    tree = CountsTree([a, b])
    assert a != b
    assert tree.root == keccak256(word(4) + a + b)


def test_a_tag_changes_with_the_epoch() -> None:
    """A listener's tag would link epochs."""
    assert len({usage_tag(b"\5" * 32, epoch) for epoch in range(10)}) == 10


@given(st.lists(wei, min_size=1, max_size=20), st.integers(0, 10_000))
def test_commission_on_a_sum_is_never_less_than_on_its_parts(nets: list[int], bps: int) -> None:
    """Commission on a sum would be less than on its parts, or exceed it by a wei per part."""
    whole, parts = gross(sum(nets), bps), sum(gross(net, bps) for net in nets)
    assert parts <= whole < parts + len(nets)


def test_commission_rounds_down() -> None:
    """5 % of 19 wei would be 1."""
    assert (gross(19, 500), gross(20, 500), gross(20, 0), gross(20, 10_000)) == (19, 21, 20, 40)


def test_the_commitment_by_hand() -> None:
    """Entries, rest or commitment would be hashed otherwise than specified."""
    one, two = (b"\1" * 20, 5), (b"\2" * 20, 6)
    first = keccak256(bytes(32) + bytes(12) + one[0] + word(5))
    assert entries_digest([]) == bytes(32)
    assert entries_digest([one, two]) == keccak256(first + bytes(12) + two[0] + word(6))
    assert entries_digest([one, two]) != entries_digest([two, one])
    tail = rest(b"\3" * 32, b"\4" * 32, b"\5" * 32)
    assert tail == keccak256(b"\3" * 32 + b"\4" * 32 + b"\5" * 32)
    assert commitment(EpochHeader(b"\6" * 32, 9, tail)) == keccak256(b"\6" * 32 + word(9) + tail)


def test_schedule() -> None:
    """A boundary of an epoch would be off by a second."""
    schedule = Schedule(60, 5, 15, 15, 3600, 70)
    assert [schedule.epoch_of(t) for t in (0, 59, 60, 119, 120)] == [0, 0, 1, 1, 2]
    assert (schedule.ends(1), schedule.post_from(1), schedule.post_until(1), schedule.due(1)) == (120, 120, 180, 140)


@pytest.mark.parametrize("lengths", [(60, 30, 20, 11), (0, 0, 1, 0), (60, 5, 0, 5)])
def test_a_schedule_that_does_not_fit_is_refused(lengths: Any) -> None:
    """Grace, window and answer would extend into the next epoch."""
    with pytest.raises(ValueError, match="fit"):
        Schedule(*lengths, 3600, 70)
