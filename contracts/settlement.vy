# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Settlement
@notice Each epoch of each security server has its own immutable Merkle-sum root. Debits are taken when it is posted, never beyond
    the payer's signed voucher and its escrow with that server. Payees claim by proof. Escrow moves by these rules only; the contract has
    no owner and no upgrade. The specification is docs/settlement.md.
"""
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator as eip712

from . import challenges
from . import drafts
from . import escrow
from . import settlement_storage as storage
from . import sum_proof

initializes: eip712
initializes: storage
initializes: escrow[storage := storage]
initializes: challenges[storage := storage, eip712 := eip712]
initializes: drafts[storage := storage, eip712 := eip712]

exports: eip712.eip712Domain
exports: (
    storage.TOKEN,
    storage.REGISTRY,
    storage.TREASURY,
    storage.EPOCH_LENGTH,
    storage.GRACE_PERIOD,
    storage.CHALLENGE_WINDOW,
    storage.ANSWER_PERIOD,
    storage.CHALLENGE_PERIOD,
    storage.WITHDRAWAL_DELAY,
    storage.CHALLENGE_STAKE,
    storage.account,
    storage.requests,
    storage.server_state,
    storage.bond_owner,
    storage.commitment,
    storage.epoch_meta,
    storage.draft,
    storage.answered,
    storage.open_challenge,
    storage.final,
    storage.claimed,
)
exports: (escrow.deposit, escrow.request, escrow.withdraw, escrow.bond, escrow.retire, escrow.unbond)
exports: (challenges.challenge, challenges.answerBatch, challenges.dismiss, challenges.slash)
exports: (drafts.debit, drafts.undo, drafts.refund)


struct ClaimItem:
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


CLAIM_TYPEHASH: constant(bytes32) = keccak256("Claim(address server,uint256 epoch,address payee,address to,uint256 tip)")


@deploy
def __init__(
    token: storage.IERC20,
    registry: storage.IRegistry,
    treasury: address,
    epoch_length: uint256,
    grace_period: uint256,
    challenge_window: uint256,
    answer_period: uint256,
    challenge_period: uint256,
    withdrawal_delay: uint256,
    challenge_stake: uint256,
):
    """@notice See settlement_storage.vy for the parameters."""
    eip712.__init__("GoMAA Settlement", "1")
    storage.__init__(
        token,
        registry,
        treasury,
        epoch_length,
        grace_period,
        challenge_window,
        answer_period,
        challenge_period,
        withdrawal_delay,
        challenge_stake,
    )


@external
@nonreentrant
def post(
    epoch: uint256,
    root: bytes32,
    counts_root: bytes32,
    data_hash: bytes32,
    previous_digest: bytes32,
    entries: DynArray[drafts.Entry, 256],
):
    """
    @notice Post an epoch: commit to one root, and debit each payer under its voucher, after the entries of the draft. Only the server.
    @param root Root of the Merkle-sum tree of the payees' amounts.
    @param counts_root Root of the counts tree.
    @param data_hash keccak of the published data.
    @param previous_digest The digest of the entries debited so far, zero if none.
    @param entries The payers that are debited now.
    """
    state: uint256 = drafts._check_may_debit(epoch, previous_digest)
    bps: uint256 = staticcall storage.REGISTRY.rate_at(epoch)
    meta: uint256 = storage.epoch_meta[msg.sender][epoch]
    total: uint256 = meta & storage.MASK_96
    fee: uint256 = (meta >> storage.EPOCH_FEE_SHIFT) & storage.MASK_96
    digest: bytes32 = previous_digest
    domain: bytes32 = eip712._domain_separator_v4()
    for entry: drafts.Entry in entries:
        fee += drafts._debit_payer(epoch, bps, domain, entry)
        total += entry.net
        digest = keccak256(abi_encode(digest, entry.payer, entry.net))
    assert total <= state & storage.MASK_96, "settlement: bond exceeded"

    storage.server_state[msg.sender] = (state & ~(storage.MASK_32 << storage.SERVER_LAST_SHIFT)) | ((epoch + 1) << storage.SERVER_LAST_SHIFT)
    rest: bytes32 = keccak256(abi_encode(digest, counts_root, data_hash))
    storage.commitment[msg.sender][epoch] = keccak256(abi_encode(root, total, rest))
    ready: uint256 = max(block.timestamp, (epoch + 1) * storage.EPOCH_LENGTH + storage.GRACE_PERIOD) + storage.CHALLENGE_WINDOW
    open: uint256 = meta & (storage.MAX_OPEN_CHALLENGES << storage.EPOCH_OPEN_SHIFT)
    storage.epoch_meta[msg.sender][epoch] = open | (ready << storage.EPOCH_READY_SHIFT) | (fee << storage.EPOCH_FEE_SHIFT) | total
    log Posted(server=msg.sender, epoch=epoch, root=root, total=total, fee=fee, digest=digest, counts=counts_root, data=data_hash)


@internal
def _mark_claimed(item: ClaimItem, proof: DynArray[sum_proof.Node, 32], to: address, tip: uint256):
    """@notice Verify a leaf and the payee's signature, and mark the leaf as claimed."""
    meta: uint256 = storage.epoch_meta[item.server][item.epoch]
    assert storage._is_final_meta(meta), "settlement: epoch not final"
    hash: bytes32 = empty(bytes32)
    total: uint256 = 0
    hash, total = sum_proof._fold(item.payee, item.amount, item.index, proof)
    assert storage._matches_commitment(item.server, item.epoch, hash, total, item.rest), "settlement: invalid proof"
    # Anyone may relay an owner's claim to the owner. A listener's payee address holds no gas to move tokens on, so its claim is signed.
    if to != item.payee or tip != 0 or (msg.sender != to and not staticcall storage.REGISTRY.is_owner(to)):
        message: bytes32 = eip712._hash_typed_data_v4(keccak256(abi_encode(CLAIM_TYPEHASH, item.server, item.epoch, item.payee, to, tip)))
        assert item.payee != empty(address) and ecdsa._try_recover_r_vs(message, item.r, item.vs) == item.payee, "settlement: invalid signature"
    position: uint256 = (1 << item.depth) | item.index
    claimed: uint256 = storage.claimed_bitmap[item.server][item.epoch][position >> 8]
    assert claimed & (1 << (position & 255)) == 0, "settlement: leaf claimed"
    storage.claimed_bitmap[item.server][item.epoch][position >> 8] = claimed | (1 << (position & 255))
    # Implied by the sum tree; checked again.
    assert item.amount <= meta & storage.MASK_96, "settlement: total exceeded"
    storage.epoch_meta[item.server][item.epoch] = meta - item.amount
    log Claimed(server=item.server, epoch=item.epoch, payee=item.payee, to=to, amount=item.amount, tip=tip)


@internal
def _pay_out(to: address, sum: uint256, tips: uint256):
    """@notice Transfer claimed amounts: the tips to the sender, the remainder to the recipient."""
    assert to != empty(address) and to != self, "settlement: invalid recipient"
    assert tips <= sum, "settlement: tip exceeds sum"
    storage._transfer_out(to, sum - tips)
    if tips != 0:
        storage._transfer_out(msg.sender, tips)


@external
@nonreentrant
def claim(items: DynArray[ClaimItem, 32], nodes: DynArray[sum_proof.Node, 640], to: address, tip: uint256):
    """
    @notice Claim leaves of final epochs. Anyone may relay them: each payee's signature covers the recipient and the tip.
    @param items The leaves.
    @param nodes The items' proofs, one after the other, each from the leaf upwards.
    @param to The recipient of all leaves.
    @param tip Wei per item for the sender.
    """
    sum: uint256 = 0
    offset: uint256 = 0
    for item: ClaimItem in items:
        assert item.depth <= 32, "settlement: index out of range"
        proof: DynArray[sum_proof.Node, 32] = []
        for level: uint256 in range(item.depth, bound=32):
            proof.append(nodes[offset + level])
        offset += item.depth
        self._mark_claimed(item, proof, to, tip)
        sum += item.amount
    self._pay_out(to, sum, tip * len(items))


@external
@nonreentrant
def claimOne(item: ClaimItem, proof: DynArray[sum_proof.Node, 32], to: address, tip: uint256):
    """@notice Claim one leaf, without the memory that the bounded lists of `claim` cost."""
    assert item.depth == len(proof), "settlement: index out of range"
    self._mark_claimed(item, proof, to, tip)
    self._pay_out(to, item.amount, tip)


@external
@nonreentrant
def collect(server: address, epoch: uint256):
    """@notice Transfer the commission of a final epoch to the treasury. Anyone may."""
    assert storage._is_final(server, epoch), "settlement: epoch not final"
    meta: uint256 = storage.epoch_meta[server][epoch]
    fee: uint256 = (meta >> storage.EPOCH_FEE_SHIFT) & storage.MASK_96
    assert fee != 0, "settlement: fee collected"
    storage.epoch_meta[server][epoch] = meta - (fee << storage.EPOCH_FEE_SHIFT)
    storage._transfer_out(storage.TREASURY, fee)
    log FeePaid(server=server, epoch=epoch, amount=fee)
