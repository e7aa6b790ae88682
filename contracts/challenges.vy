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


struct Debit:
    payer: address
    net: uint256


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


event Slashed:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)
    amount: uint256
    bond: uint256
    void: bool


event Refunded:
    server: indexed(address)
    epoch: indexed(uint256)


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
    assert books.ch[server][epoch][receipt.payee][receipt.amount].by == empty(address), "open"
    word: uint256 = books.meta[server][epoch]
    ready: uint256 = (word >> books.READY) & books.M40
    blocking: bool = ready == 0 or block.timestamp < ready
    lane: uint256 = books.lane[server]
    assert lane & books.M96 != 0 or (ready != 0 and blocking and word >> books.VOID == 0), "bond"
    if blocking:
        assert (word >> books.OPEN) & books.MAX_OPEN != books.MAX_OPEN, "full"
        books.meta[server][epoch] = word + (1 << books.OPEN)
    books.lane[server] = lane + (1 << books.LANE_OPEN)
    deadline: uint256 = block.timestamp + books.ANSWER
    books.ch[server][epoch][receipt.payee][receipt.amount] = books.Challenge(by=msg.sender, deadline=deadline, blocking=blocking)
    books._take(books.STAKE)
    log Challenged(
        server=server, epoch=epoch, payee=receipt.payee, amount=receipt.amount, by=msg.sender, deadline=deadline, blocking=blocking
    )


@external
@nonreentrant
def answer(
    server: address,
    epoch: uint256,
    payee: address,
    challenged: uint256,
    header: books.Header,
    amount: uint256,
    index: uint256,
    proof: DynArray[books.Node, 32],
):
    """
    @notice Anyone shows the leaf: at least as much as was challenged, in a post that stands. The stake joins the bond.
    @param challenged The receipt's amount.
    @param amount The leaf's amount.
    """
    open: books.Challenge = books.ch[server][epoch][payee][challenged]
    assert open.by != empty(address), "none"
    assert amount >= challenged, "low"
    word: uint256 = books.meta[server][epoch]
    assert word >> books.VOID == 0, "void"
    assert books._committed(server, epoch, header), "header"
    assert index >> len(proof) == 0, "index"
    hash: bytes32 = keccak256(abi_encode(empty(uint256), payee, amount))
    total: uint256 = amount
    place: uint256 = index
    for node: books.Node in proof:
        if place & 1 == 0:
            hash = keccak256(abi_encode(convert(1, uint256), hash, total, node.hash, node.total))
        else:
            hash = keccak256(abi_encode(convert(1, uint256), node.hash, node.total, hash, total))
        total += node.total
        place >>= 1
    assert hash == header.root and total == header.total, "proof"
    books.ch[server][epoch][payee][challenged] = empty(books.Challenge)
    if open.blocking:
        books.meta[server][epoch] = word - (1 << books.OPEN)
    books.lane[server] = books.lane[server] - (1 << books.LANE_OPEN) + books.STAKE
    log Answered(server=server, epoch=epoch, payee=payee, amount=challenged, shown=amount, index=index)


@external
@nonreentrant
def slash(server: address, epoch: uint256, payee: address, challenged: uint256):
    """
    @notice An unanswered challenge takes the whole bond: half, and the stake, to the challenger, the rest to the treasury. A post
        that was challenged in its window is void.
    """
    open: books.Challenge = books.ch[server][epoch][payee][challenged]
    assert open.by != empty(address), "none"
    assert block.timestamp > open.deadline, "time"
    books.ch[server][epoch][payee][challenged] = empty(books.Challenge)
    void: bool = False
    if open.blocking:
        word: uint256 = books.meta[server][epoch] - (1 << books.OPEN)
        if (word >> books.READY) & books.M40 != 0:
            void = True
            word |= 1 << books.VOID
        books.meta[server][epoch] = word
    lane: uint256 = books.lane[server]
    bond: uint256 = lane & books.M96
    books.lane[server] = lane - (1 << books.LANE_OPEN) - bond
    books._pay(open.by, bond // 2 + books.STAKE)
    books._pay(books.TREASURY, bond - bond // 2)
    log Slashed(server=server, epoch=epoch, payee=payee, amount=challenged, bond=bond, void=void)


@external
@nonreentrant
def refund(
    server: address, epoch: uint256, root: bytes32, total: uint256, counts: bytes32, data: bytes32, debits: DynArray[Debit, 256]
):
    """@notice A void post's debits go back to the payers, at the rate they were taken; a bonded server may then post the epoch again."""
    word: uint256 = books.meta[server][epoch]
    assert word >> books.VOID == 1, "void"
    bps: uint256 = staticcall books.REGISTRY.rate_at(epoch)
    digest: bytes32 = empty(bytes32)
    for debit: Debit in debits:
        digest = keccak256(abi_encode(digest, debit.payer, debit.net))
        gross: uint256 = debit.net + debit.net * bps // 10_000
        books.account[server][debit.payer] = books.account[server][debit.payer] - (gross << 128) + gross
    header: books.Header = books.Header(root=root, total=total, rest=keccak256(abi_encode(digest, counts, data)))
    assert books._committed(server, epoch, header), "header"
    books.commit[server][epoch] = empty(bytes32)
    # Challenges that are still open count against what is posted next.
    books.meta[server][epoch] = word & (books.MAX_OPEN << books.OPEN)
    log Refunded(server=server, epoch=epoch)
