# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Challenges
@notice The part of Settlement that holds a server to its receipts: show the leaf, or lose the bond.
"""
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator as eip712

from . import books

uses: books
uses: eip712


struct Receipt:
    server: address
    epoch: uint256
    payee: address
    amount: uint256
    detail: bytes32


struct Shown:
    payee: address
    challenged: uint256
    amount: uint256
    index: uint256
    depth: uint256


event Challenged:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)
    amount: uint256
    by: address
    deadline: uint256
    blocking: bool


event Answered:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)
    amount: uint256
    shown: uint256
    index: uint256


event Dismissed:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)
    amount: uint256


event Slashed:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)
    amount: uint256
    bond: uint256
    void: bool


RECEIPT: constant(bytes32) = keccak256("Receipt(address server,uint256 epoch,address payee,uint256 amount,bytes32 detail)")


@external
@nonreentrant
def challenge(receipt: Receipt, r: uint256, vs: uint256):
    """
    @notice Whoever holds a receipt demands to see its leaf, for a stake. Within the post's window (or before the post) the epoch
        waits for the answer; later only the bond is at risk.
    """
    server: address = receipt.server
    epoch: uint256 = receipt.epoch
    hash: bytes32 = eip712._hash_typed_data_v4(keccak256(abi_encode(RECEIPT, server, epoch, receipt.payee, receipt.amount, receipt.detail)))
    assert server != empty(address) and ecdsa._try_recover_r_vs(hash, r, vs) == server, "receipt"
    # A receipt over nothing counts plays and owes nobody a leaf.
    assert receipt.amount != 0, "amount"
    due: uint256 = books._due(epoch)
    assert block.timestamp >= due and block.timestamp <= due + books.LATE, "time"
    assert books.challenges[server][epoch][receipt.payee][receipt.amount] == 0, "open"
    word: uint256 = books.meta[server][epoch]
    assert receipt.amount > self._answered(server, epoch, receipt.payee, word), "answered"
    ready: uint256 = (word >> books.READY) & books.M40
    blocking: bool = ready == 0 or block.timestamp < ready
    lane: uint256 = books.lane[server]
    assert lane & books.M96 != 0 or (ready != 0 and blocking and word >> books.VOID == 0), "bond"
    deadline: uint256 = block.timestamp + books.ANSWER
    open: uint256 = (deadline << books.DEADLINE) | convert(msg.sender, uint256)
    if blocking:
        assert (word >> books.OPEN) & books.MAX_OPEN != books.MAX_OPEN, "full"
        books.meta[server][epoch] = word + (1 << books.OPEN)
        open |= 1 << books.BLOCKING
    books.lane[server] = lane + (1 << books.LANE_OPEN)
    books.challenges[server][epoch][receipt.payee][receipt.amount] = open
    books._take(books.STAKE)
    log Challenged(
        server=server, epoch=epoch, payee=receipt.payee, amount=receipt.amount, by=msg.sender, deadline=deadline, blocking=blocking
    )


@internal
@view
def _answered(server: address, epoch: uint256, payee: address, word: uint256) -> uint256:
    """
    @notice The greatest leaf of a payee that was shown under the post that stands; a void one has shown nothing.
    @param word The epoch's meta.
    """
    if word >> books.VOID != 0:
        return 0
    return books.answered[books.commit[server][epoch]][payee]


@internal
def _close(server: address, epoch: uint256, payee: address, challenged: uint256, stake: uint256):
    """
    @notice End a challenge.
    @param stake What joins the bond.
    """
    open: uint256 = books.challenges[server][epoch][payee][challenged]
    books.challenges[server][epoch][payee][challenged] = 0
    if open >> books.BLOCKING != 0:
        books.meta[server][epoch] = books.meta[server][epoch] - (1 << books.OPEN)
    books.lane[server] = books.lane[server] - (1 << books.LANE_OPEN) + stake


@external
@nonreentrant
def answerBatch(server: address, epoch: uint256, rest: bytes32, items: DynArray[Shown, 32], nodes: DynArray[books.Node, 640]):
    """
    @notice Anyone shows leaves of a post that stands, each at least as much as was challenged. The stakes join the bond. A challenge
        that is closed already is passed over, so that nobody can stop the others by answering one of them first; a leaf that answers
        nothing is the sender's error, and reverts.
    @param rest keccak(entries digest, counts root, data hash) of the post.
    @param nodes The items' proofs, one after the other, each from the bottom.
    """
    assert books.meta[server][epoch] >> books.VOID == 0, "void"
    commitment: bytes32 = books.commit[server][epoch]
    offset: uint256 = 0
    some: bool = False
    for item: Shown in items:
        assert item.depth <= 32, "index"
        if books.challenges[server][epoch][item.payee][item.challenged] != 0:
            assert item.amount >= item.challenged, "low"
            proof: DynArray[books.Node, 32] = []
            for level: uint256 in range(item.depth, bound=32):
                proof.append(nodes[offset + level])
            hash: bytes32 = empty(bytes32)
            total: uint256 = 0
            hash, total = books._fold(item.payee, item.amount, item.index, proof)
            assert books._committed(server, epoch, hash, total, rest), "proof"
            if item.amount > books.answered[commitment][item.payee]:
                books.answered[commitment][item.payee] = item.amount
            self._close(server, epoch, item.payee, item.challenged, books.STAKE)
            log Answered(server=server, epoch=epoch, payee=item.payee, amount=item.challenged, shown=item.amount, index=item.index)
            some = True
        offset += item.depth
    assert some, "none"


@external
@nonreentrant
def dismiss(server: address, epoch: uint256, payee: address, challenged: uint256):
    """@notice Anyone closes a challenge at or below what was shown to its payee already. The stake joins the bond."""
    assert books.challenges[server][epoch][payee][challenged] != 0, "none"
    assert challenged <= self._answered(server, epoch, payee, books.meta[server][epoch]), "low"
    self._close(server, epoch, payee, challenged, books.STAKE)
    log Dismissed(server=server, epoch=epoch, payee=payee, amount=challenged)


@external
@nonreentrant
def slash(server: address, epoch: uint256, payee: address, challenged: uint256):
    """
    @notice An unanswered challenge takes the whole bond: half, and the stake, to the challenger, the rest to the treasury. A post
        that was challenged in its window is void.
    """
    open: uint256 = books.challenges[server][epoch][payee][challenged]
    assert open != 0, "none"
    assert block.timestamp > (open >> books.DEADLINE) & books.M40, "time"
    assert challenged > self._answered(server, epoch, payee, books.meta[server][epoch]), "answered"
    self._close(server, epoch, payee, challenged, 0)
    void: bool = False
    if open >> books.BLOCKING != 0:
        word: uint256 = books.meta[server][epoch]
        if (word >> books.READY) & books.M40 != 0:
            void = True
            books.meta[server][epoch] = word | (1 << books.VOID)
    lane: uint256 = books.lane[server]
    bond: uint256 = lane & books.M96
    books.lane[server] = lane - bond
    books._pay(convert(open & books.M160, address), bond // 2 + books.STAKE)
    books._pay(books.TREASURY, bond - bond // 2)
    log Slashed(server=server, epoch=epoch, payee=payee, amount=challenged, bond=bond, void=void)
