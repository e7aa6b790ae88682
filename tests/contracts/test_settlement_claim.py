"""Claims: signatures, receivers, repetition and proofs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chain.contracts.settlement import ClaimItem
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.settlement import SumTree
from tests.contracts.anvil_world import EPOCH, NOBODY, SCHEDULE, ZERO, Book, World, reverts

ENDS = SCHEDULE.ends(EPOCH)
SAFE = bytes([0x77]) * 20
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_a_payee_is_paid_without_a_signature(w: World) -> None:
    """Anyone pushes a leaf to a payee that owns a content: no signature, no tip, the whole amount."""
    book = w.final()
    before = w.balance(address_of(w.owner))
    receipt = w.claim([w.item(book, 0)], book.tree.proof(0), address_of(w.owner))
    assert w.balance(address_of(w.owner)) == before + 1000
    assert w.left(EPOCH)[0] == 501
    (event,) = w.events("Settlement", "Claimed", receipt)
    payee = address_of(w.owner)
    assert event == {
        "server": address_of(w.server),
        "epoch": EPOCH,
        "payee": payee,
        "to": payee,
        "amount": 1000,
        "tip": 0,
    }


def test_a_push_to_a_payee_without_content_needs_its_signature(w: World) -> None:
    """Others cannot strand a listener's leaf at its one-time address: its signature names the receiver."""
    book, fan = w.final(), address_of(w.fan)
    for key in (w.relayer, w.server, w.owner):
        with reverts(NOBODY):
            w.claim([w.item(book, 1)], book.tree.proof(1), fan, key=key)
    with reverts("settlement: invalid signature"):
        w.claim([w.item(book, 1, w.relayer, fan)], book.tree.proof(1), fan)
    w.claim([w.item(book, 1)], book.tree.proof(1), fan, key=w.fan)
    later = w.final(w.book(epoch=EPOCH + 1))
    w.claim([w.item(later, 1, w.fan, fan)], later.tree.proof(1), fan)
    assert w.balance(fan) == 1000


def test_one_payee_without_content_reverts_a_batch(w: World) -> None:
    """An owner's leaf in a batch lets no other payee's leaf be pushed with it, whatever the receiver."""
    book, owner = w.final(), address_of(w.owner)
    items = [w.item(book, 0), w.item(book, 1)]
    for to in (owner, address_of(w.fan)):
        for key in (w.relayer, w.owner):
            with reverts(NOBODY):
                w.claim(items, book.tree.proof(0) + book.tree.proof(1), to, key=key)


def test_a_signed_claim_pays_another_address(w: World) -> None:
    """The payee's signature directs its leaf to a fresh address; others cannot."""
    book = w.final()
    with reverts(NOBODY):
        w.claim([w.item(book, 1)], book.tree.proof(1), SAFE)
    w.claim([w.item(book, 1, w.fan, SAFE)], book.tree.proof(1), SAFE)
    assert w.balance(SAFE) == 500


def test_a_relayer_earns_the_signed_tip(w: World) -> None:
    """The tip goes to the sender, the rest to the signed address; a tip needs a signature even to the payee itself."""
    book = w.final()
    fan = address_of(w.fan)
    with reverts(NOBODY):
        w.claim([w.item(book, 1)], book.tree.proof(1), fan, tip=1)
    item = w.item(book, 1, w.fan, fan, 20)
    for tip in (0, 19, 21):
        with reverts("settlement: invalid signature"):
            w.claim([item], book.tree.proof(1), SAFE, tip=tip)
    w.claim([item], book.tree.proof(1), fan, tip=20)
    assert (w.balance(fan), w.balance(address_of(w.relayer))) == (480, 20)


def test_a_pending_claim_cannot_be_redirected(w: World) -> None:
    """A copy of a signed claim cannot change its receiver."""
    book = w.final()
    item = w.item(book, 1, w.fan, SAFE)
    with reverts("settlement: invalid signature"):
        w.claim([item], book.tree.proof(1), address_of(w.other), key=w.other)


def test_a_tip_cannot_exceed_the_claim(w: World) -> None:
    """A tip of the whole amount is allowed, more is not."""
    book = w.final()
    with reverts("settlement: tip exceeds sum"):
        w.claim([w.item(book, 1, w.fan, SAFE, 501)], book.tree.proof(1), SAFE, tip=501)
    w.claim([w.item(book, 1, w.fan, SAFE, 500)], book.tree.proof(1), SAFE, tip=500)
    assert (w.balance(SAFE), w.balance(address_of(w.relayer))) == (0, 500)


def test_a_leaf_is_claimable_from_ready_on(w: World) -> None:
    """Not one second earlier."""
    book = w.book()
    w.at(ENDS).post(book)
    ready = w.left(EPOCH)[2]
    w.at(ready - 1)
    with reverts("settlement: epoch not final"):
        w.claim([w.item(book, 0)], book.tree.proof(0), address_of(w.owner))
    w.at(ready).claim([w.item(book, 0)], book.tree.proof(0), address_of(w.owner))


@pytest.mark.parametrize("bit", [232, 255])
def test_an_open_challenge_or_a_void_epoch_pays_nothing(w: World, bit: int) -> None:
    """Either field alone stops a claim and a commission, however late."""
    book = w.final()
    word = w.call("Settlement", "epoch_meta", address_of(w.server), EPOCH)
    w.store(word, word | 1 << bit, address_of(w.server), EPOCH)
    with reverts("settlement: epoch not final"):
        w.claim([w.item(book, 0)], book.tree.proof(0), address_of(w.owner))
    with reverts("settlement: epoch not final"):
        w.send(w.relayer, "Settlement", "collect", address_of(w.server), EPOCH)


def test_an_epoch_that_was_not_posted_pays_nothing(w: World) -> None:
    """No commitment, no claim."""
    book = w.book(epoch=EPOCH - 5)
    with reverts("settlement: epoch not final"):
        w.claim([w.item(book, 0)], book.tree.proof(0), address_of(w.owner))


def test_a_leaf_is_paid_once(w: World) -> None:
    """A second claim, in another transaction or in the same one, is refused; other leaves are unaffected."""
    book = w.final()
    owner, server = address_of(w.owner), address_of(w.server)
    item = w.item(book, 0)
    with reverts("settlement: leaf claimed"):
        w.claim([item, item], book.tree.proof(0) * 2, owner)
    assert not w.call("Settlement", "claimed", server, EPOCH, 0, book.tree.depth)
    w.claim([item], book.tree.proof(0), owner)
    assert w.call("Settlement", "claimed", server, EPOCH, 0, book.tree.depth)
    assert not w.call("Settlement", "claimed", server, EPOCH, 1, book.tree.depth)
    with reverts("settlement: leaf claimed"):
        w.claim([item], book.tree.proof(0), owner)
    w.claim([w.item(book, 1, w.fan, SAFE)], book.tree.proof(1), SAFE)


def test_another_payee_is_refused(w: World) -> None:
    """A leaf names its payee; another name, even with that name's signature, has no proof."""
    book = w.final()
    mine = replace(w.item(book, 1, w.other, address_of(w.other)), payee=address_of(w.other))
    with reverts("settlement: invalid proof"):
        w.claim([mine], book.tree.proof(1), address_of(w.other))
    with reverts("settlement: invalid signature"):
        w.claim([w.item(book, 1, w.other, SAFE)], book.tree.proof(1), SAFE)


@pytest.mark.parametrize(("field", "value"), [("amount", 501), ("amount", 499), ("index", 0), ("index", 3)])
def test_a_changed_leaf_has_no_proof(w: World, field: str, value: int) -> None:
    """Amount and index are under the root."""
    book = w.final()
    with reverts("settlement: invalid proof"):
        w.claim([replace(w.item(book, 1), **{field: value})], book.tree.proof(1), address_of(w.fan))  # type: ignore[arg-type]


def test_a_leaf_needs_the_posted_header(w: World) -> None:
    """Root, total and the rest of the header are under the commitment.

    Another tree, or another rest, is refused.
    """
    book = w.final()
    item, other = w.item(book, 0), w.book((address_of(w.owner), 1000), (address_of(w.fan), 501))
    for changed, nodes in (
        (replace(item, header=replace(item.header, rest=bytes(32))), book.tree.proof(0)),
        (w.item(other, 0), other.tree.proof(0)),
    ):
        with reverts("settlement: invalid proof"):
            w.claim([changed], nodes, address_of(w.owner))


def test_an_index_has_one_form(w: World) -> None:
    """High bits that the proof's walk would ignore are refused, so one leaf has one bit; so is a depth over 32."""
    book = w.final()
    item = w.item(book, 0)
    w.claim([item], book.tree.proof(0), address_of(w.owner))
    for alias in (4, 1 << 8, 1 << 255):
        with reverts("settlement: index out of range"):
            w.claim([replace(item, index=alias)], book.tree.proof(0), address_of(w.owner))
    with reverts("settlement: index out of range"):
        w.claim([replace(item, depth=33)], [(bytes(32), 0)] * 32, address_of(w.owner))
    other = w.item(book, 1, w.fan, SAFE)
    with reverts("settlement: index out of range"):
        w.claim([replace(other, depth=33), other], [(bytes(32), 0)] * 64, SAFE)
    for depth in (1, 3):
        # The bit that is set belongs to the proof's length, not to another index named with it.
        with reverts("settlement: index out of range"):
            w.claim([replace(other, depth=depth)], book.tree.proof(1), SAFE)


def test_a_root_whose_sum_is_not_the_total_pays_nobody(w: World) -> None:
    """A server that invents leaves beyond the debits locks the epoch and gains nothing."""
    liar = Book(EPOCH, ((address_of(w.server), 10**6), (address_of(w.owner), 1)), ((address_of(w.station), 1000),))
    w.final(liar)
    for index in (0, 1):
        with reverts("settlement: invalid proof"):
            w.claim([w.item(liar, index)], liar.tree.proof(index), liar.leaves[index][0])


def test_a_padding_node_is_no_leaf(w: World) -> None:
    """The padding of an odd level pays nobody, not even zero."""
    book = w.final()
    filler = replace(w.item(book, 2), payee=ZERO, amount=0, index=3)
    below = SumTree(book.leaves).proof(2)
    leaf = (keccak256(bytes(32) + (bytes([5]) * 20).rjust(32, b"\0") + (1).to_bytes(32, "big")), 1)
    with reverts("settlement: invalid proof"):
        w.claim([filler], [leaf, below[1]], address_of(w.owner))


def test_the_zero_address_and_the_contract_are_refused_as_receivers(w: World) -> None:
    """A claim to zero would burn the amount, one to the contract would lock it."""
    book = w.final()
    for to in (ZERO, w.deployment.settlement):
        with reverts("settlement: invalid recipient"):
            w.claim([w.item(book, 1, w.fan, to)], book.tree.proof(1), to)


def test_the_zero_payee_cannot_sign(w: World) -> None:
    """A leaf of address zero stays unpaid: a signature that recovers to zero is invalid."""
    book = w.final(w.book((ZERO, 7), (address_of(w.owner), 3)))
    for r, vs in ((0, 0), (1, 1), (_ORDER, 0)):
        with reverts("settlement: invalid signature"):
            w.claim([replace(w.item(book, 0), r=r, vs=vs)], book.tree.proof(0), SAFE)


def test_malleable_signatures_are_refused(w: World) -> None:
    """The other parity recovers to another signer.

    A mirrored s is over half the order, which the compact form hardly represents, and is refused.
    """
    book = w.final()
    good = w.item(book, 1, w.fan, SAFE)
    with reverts("settlement: invalid signature"):
        w.claim([replace(good, vs=good.vs ^ 1 << 255)], book.tree.proof(1), SAFE)
    assert _ORDER - (good.vs & (1 << 255) - 1) >= 1 << 255
    with reverts("ecdsa: invalid signature `s` value"):
        w.claim([replace(good, vs=_ORDER // 2 + 1)], book.tree.proof(1), SAFE)
    w.claim([good], book.tree.proof(1), SAFE)


def test_a_batch_makes_one_transfer_to_a_receiver(w: World) -> None:
    """Leaves of two epochs are paid in one transfer, with one tip each."""
    first = w.final()
    second = w.final(w.book((address_of(w.fan), 40), epoch=EPOCH + 1))
    items = [w.item(first, 1, w.fan, SAFE, 5), w.item(second, 0, w.fan, SAFE, 5)]
    receipt = w.claim(items, first.tree.proof(1) + second.tree.proof(0), SAFE, tip=5)
    assert (w.balance(SAFE), w.balance(address_of(w.relayer))) == (530, 10)
    assert [e["amount"] for e in w.events("Settlement", "Claimed", receipt)] == [500, 40]
    transfers = [log for log in receipt["logs"] if log["address"] == to_hex(w.deployment.token)]
    assert len(transfers) == 2


def test_one_invalid_item_reverts_the_batch(w: World) -> None:
    """Nothing of a batch is paid when one of its leaves is refused."""
    book = w.final()
    items = [w.item(book, 1, w.fan, SAFE), w.item(book, 0)]
    with reverts(NOBODY):
        w.claim(items, book.tree.proof(1) + book.tree.proof(0), SAFE)
    assert (w.balance(SAFE), w.left(EPOCH)[0]) == (0, 1501)


def test_proofs_that_are_too_short_are_refused(w: World) -> None:
    """A proof without its nodes reverts at the end of the list."""
    book = w.final()
    with pytest.raises(Exception, match=r"chain\.reverted"):
        w.claim([w.item(book, 0)], [], address_of(w.owner))


def test_an_empty_claim_pays_nothing(w: World) -> None:
    """No items, no tokens, whatever the tip."""
    w.final()
    before = w.balance(w.deployment.settlement)
    w.claim([], [], SAFE, tip=10**18)
    assert (w.balance(SAFE), w.balance(w.deployment.settlement)) == (0, before)


def test_the_rest_of_an_epoch_bounds_claims_alone(w: World) -> None:
    """A claim above the rest reverts by the counter alone."""
    book = w.final()
    word = w.call("Settlement", "epoch_meta", address_of(w.server), EPOCH)
    w.store(word, word - 502, address_of(w.server), EPOCH)
    with reverts("settlement: total exceeded"):
        w.claim([w.item(book, 0)], book.tree.proof(0), address_of(w.owner))


def test_a_batch_has_at_most_32_claims(w: World) -> None:
    """A thirty-third item is refused."""
    payee = address_of(w.fan)
    book = w.final(w.book(*[(payee, n + 1) for n in range(33)]))
    items: list[ClaimItem] = [w.item(book, n) for n in range(33)]
    nodes = [node for n in range(33) for node in book.tree.proof(n)]
    with pytest.raises(Exception, match=r"chain\.reverted"):
        w.claim(items, nodes, payee, key=w.fan)
    before = w.balance(payee)
    w.claim(items[:32], nodes[: 32 * book.tree.depth], payee, key=w.fan)
    assert w.balance(payee) == before + sum(range(1, 33))


@pytest.mark.parametrize("wraps", [2**256 - 1000, 2**256 - 1])
def test_sums_do_not_overflow(w: World, wraps: int) -> None:
    """A sibling whose sum would wrap the total past 2^256 to the posted one reverts in the arithmetic."""
    book = w.final()
    with pytest.raises(GomaaError) as caught:
        w.claim([replace(w.item(book, 0), depth=1)], [(bytes(32), wraps)], address_of(w.owner))
    assert caught.value.detail["reason"] == "execution reverted"
