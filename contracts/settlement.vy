# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Settlement
@notice Each epoch of each security server has its own immutable Merkle-sum root. Debits are taken when it is posted, never beyond
    the payer's signed voucher and its escrow with that server. Payees claim by proof. No function moves anybody's deposit but
    these rules, and no key can change them. The specification is docs/settlement.md.
"""
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator as eip712

from . import books
from . import challenges
from . import drafts
from . import funds

initializes: eip712
initializes: books
initializes: funds[books := books]
initializes: challenges[books := books, eip712 := eip712]
initializes: drafts[books := books, eip712 := eip712]

exports: eip712.eip712Domain
exports: (
    books.TOKEN,
    books.REGISTRY,
    books.TREASURY,
    books.LENGTH,
    books.GRACE,
    books.WINDOW,
    books.ANSWER,
    books.LATE,
    books.DELAY,
    books.STAKE,
    books.account,
    books.requests,
    books.lane,
    books.lane_owner,
    books.commit,
    books.meta,
    books.draft,
    books.answered,
    books.ch,
    books.final,
    books.claimed,
)
exports: (funds.deposit, funds.request, funds.withdraw, funds.bond, funds.retire, funds.unbond)
exports: (challenges.challenge, challenges.answerBatch, challenges.dismiss, challenges.slash)
exports: (drafts.debit, drafts.undo, drafts.refund)


struct Item:
    server: address
    epoch: uint256
    rest: bytes32  # keccak(entries digest, counts root, data hash) of the post
    payee: address
    amount: uint256
    index: uint256
    depth: uint256
    r: uint256
    vs: uint256


event Posted:
    server: indexed(address)
    epoch: indexed(uint256)
    root: bytes32
    total: uint256
    fee: uint256
    digest: bytes32
    counts: bytes32
    data: bytes32


event Claimed:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)
    to: address
    amount: uint256
    tip: uint256


event FeePaid:
    server: indexed(address)
    epoch: indexed(uint256)
    amount: uint256


CLAIM: constant(bytes32) = keccak256("Claim(address server,uint256 epoch,address payee,address to,uint256 tip)")


@deploy
def __init__(
    token: books.IERC20,
    registry: books.IRegistry,
    treasury: address,
    length: uint256,
    grace: uint256,
    window: uint256,
    answer: uint256,
    late: uint256,
    delay: uint256,
    stake: uint256,
):
    """
    @param treasury Gets the commission and half of every lost bond.
    @param length Seconds of an epoch, the registry's; grace + window + answer must fit into it.
    """
    eip712.__init__("GoMAA Settlement", "1")
    books.__init__(token, registry, treasury, length, grace, window, answer, late, delay, stake)


@external
@nonreentrant
def post(epoch: uint256, root: bytes32, counts: bytes32, data: bytes32, before: bytes32, entries: DynArray[drafts.Entry, 256]):
    """
    @notice The server closes an epoch: one root, and each payer's debit under its voucher, after those of its draft. Debits are taken now.
    @param data keccak of the published data.
    @param before The digest of what was debited before, zero where nothing was.
    """
    lane: uint256 = drafts._begin(epoch, before)
    bps: uint256 = staticcall books.REGISTRY.rate_at(epoch)
    word: uint256 = books.meta[msg.sender][epoch]
    total: uint256 = word & books.M96
    fee: uint256 = (word >> books.FEE) & books.M96
    digest: bytes32 = before
    domain: bytes32 = eip712._domain_separator_v4()
    for entry: drafts.Entry in entries:
        fee += drafts._debit(epoch, bps, domain, entry)
        total += entry.net
        digest = keccak256(abi_encode(digest, entry.payer, entry.net))
    assert total <= lane & books.M96, "exposure"

    books.lane[msg.sender] = (lane & ~(books.M32 << books.LANE_LAST)) | ((epoch + 1) << books.LANE_LAST)
    rest: bytes32 = keccak256(abi_encode(digest, counts, data))
    books.commit[msg.sender][epoch] = keccak256(abi_encode(root, total, rest))
    ready: uint256 = max(block.timestamp, (epoch + 1) * books.LENGTH + books.GRACE) + books.WINDOW
    open: uint256 = word & (books.MAX_OPEN << books.OPEN)
    books.meta[msg.sender][epoch] = open | (ready << books.READY) | (fee << books.FEE) | total
    log Posted(server=msg.sender, epoch=epoch, root=root, total=total, fee=fee, digest=digest, counts=counts, data=data)


@internal
def _mark(item: Item, proof: DynArray[books.Node, 32], to: address, tip: uint256):
    """@notice Check a leaf, and mark it as paid."""
    word: uint256 = books.meta[item.server][item.epoch]
    assert books._is_final(word), "final"
    hash: bytes32 = empty(bytes32)
    total: uint256 = 0
    hash, total = books._fold(item.payee, item.amount, item.index, proof)
    assert books._committed(item.server, item.epoch, hash, total, item.rest), "proof"
    # Anyone may send owners what is theirs; a payee of one hour has no coin to move it, and decides itself where it goes.
    if to != item.payee or tip != 0 or (msg.sender != to and not staticcall books.REGISTRY.is_owner(to)):
        message: bytes32 = eip712._hash_typed_data_v4(keccak256(abi_encode(CLAIM, item.server, item.epoch, item.payee, to, tip)))
        assert item.payee != empty(address) and ecdsa._try_recover_r_vs(message, item.r, item.vs) == item.payee, "signature"
    position: uint256 = (1 << item.depth) | item.index
    paid: uint256 = books.bits[item.server][item.epoch][position >> 8]
    assert paid & (1 << (position & 255)) == 0, "claimed"
    books.bits[item.server][item.epoch][position >> 8] = paid | (1 << (position & 255))
    # Implied by the sum tree; kept as a second lock.
    assert item.amount <= word & books.M96, "left"
    books.meta[item.server][item.epoch] = word - item.amount
    log Claimed(server=item.server, epoch=item.epoch, payee=item.payee, to=to, amount=item.amount, tip=tip)


@internal
def _pay_out(to: address, sum: uint256, tips: uint256):
    assert to != empty(address) and to != self, "to"
    assert tips <= sum, "tip"
    books._pay(to, sum - tips)
    if tips != 0:
        books._pay(msg.sender, tips)


@external
@nonreentrant
def claim(items: DynArray[Item, 32], nodes: DynArray[books.Node, 640], to: address, tip: uint256):
    """
    @notice Pay leaves of final epochs to `to`. Anyone may relay: each payee's signature names `to` and the tip.
    @param nodes The items' proofs, one after the other, each from the bottom.
    @param tip Wei per item for the sender.
    """
    sum: uint256 = 0
    offset: uint256 = 0
    for item: Item in items:
        assert item.depth <= 32, "index"
        proof: DynArray[books.Node, 32] = []
        for level: uint256 in range(item.depth, bound=32):
            proof.append(nodes[offset + level])
        offset += item.depth
        self._mark(item, proof, to, tip)
        sum += item.amount
    self._pay_out(to, sum, tip * len(items))


@external
@nonreentrant
def claimOne(item: Item, proof: DynArray[books.Node, 32], to: address, tip: uint256):
    """@notice As `claim` for one leaf, without the memory that a list's bound costs."""
    assert item.depth == len(proof), "index"
    self._mark(item, proof, to, tip)
    self._pay_out(to, item.amount, tip)


@external
@nonreentrant
def collect(server: address, epoch: uint256):
    """@notice The commission of a final epoch goes to the treasury. Anyone may call."""
    assert books._final(server, epoch), "final"
    word: uint256 = books.meta[server][epoch]
    fee: uint256 = (word >> books.FEE) & books.M96
    assert fee != 0, "collected"
    books.meta[server][epoch] = word - (fee << books.FEE)
    books._pay(books.TREASURY, fee)
    log FeePaid(server=server, epoch=epoch, amount=fee)
