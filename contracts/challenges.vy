# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Challenges
@notice The part of Settlement in which a receipt's holder challenges a server: it proves the leaf, or loses its bond.
"""
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator as eip712

from . import settlement_storage as storage
from . import sum_proof

uses: storage
uses: eip712


struct Receipt:
    server: address
    epoch: uint256
    payee: address
    amount: uint256  # wei
    detail: bytes32  # keccak of the receipt's details


struct Answer:
    payee: address
    challenged: uint256  # wei of the receipt
    amount: uint256  # wei of the leaf
    index: uint256
    depth: uint256


event Challenged:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)
    amount: uint256
    challenger: address
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


RECEIPT_TYPEHASH: constant(bytes32) = keccak256("Receipt(address server,uint256 epoch,address payee,uint256 amount,bytes32 detail)")


@external
@nonreentrant
def challenge(receipt: Receipt, r: uint256, vs: uint256):
    """
    @notice Demand the proof of a receipt's leaf, for a stake. A challenge before the end of the post's window delays the epoch until it
        is answered; a later one only puts the bond at risk. Anyone may.
    @param receipt Signed by the server.
    @param r The signature's r.
    @param vs The signature's s and parity (EIP-2098).
    """
    server: address = receipt.server
    epoch: uint256 = receipt.epoch
    digest: bytes32 = keccak256(abi_encode(RECEIPT_TYPEHASH, server, epoch, receipt.payee, receipt.amount, receipt.detail))
    hash: bytes32 = eip712._hash_typed_data_v4(digest)
    assert server != empty(address) and ecdsa._try_recover_r_vs(hash, r, vs) == server, "settlement: invalid receipt"
    # A receipt over zero counts plays; it has no leaf.
    assert receipt.amount != 0, "settlement: receipt over zero"
    start: uint256 = storage._challengeable_from(epoch)
    assert block.timestamp >= start and block.timestamp <= start + storage.CHALLENGE_PERIOD, "settlement: not challengeable"
    assert storage.challenges[server][epoch][receipt.payee][receipt.amount] == 0, "settlement: already challenged"
    meta: uint256 = storage.epoch_meta[server][epoch]
    assert receipt.amount > self._answered_amount(server, epoch, receipt.payee, meta), "settlement: already answered"
    ready: uint256 = (meta >> storage.EPOCH_READY_SHIFT) & storage.MASK_40
    blocking: bool = ready == 0 or block.timestamp < ready
    state: uint256 = storage.server_state[server]
    assert state & storage.MASK_96 != 0 or (ready != 0 and blocking and meta >> storage.EPOCH_VOID_SHIFT == 0), "settlement: no bond"
    deadline: uint256 = block.timestamp + storage.ANSWER_PERIOD
    open: uint256 = (deadline << storage.CHALLENGE_DEADLINE_SHIFT) | convert(msg.sender, uint256)
    if blocking:
        assert (meta >> storage.EPOCH_OPEN_SHIFT) & storage.MAX_OPEN_CHALLENGES != storage.MAX_OPEN_CHALLENGES, "settlement: too many challenges"
        storage.epoch_meta[server][epoch] = meta + (1 << storage.EPOCH_OPEN_SHIFT)
        open |= 1 << storage.CHALLENGE_BLOCKING_SHIFT
    storage.server_state[server] = state + (1 << storage.SERVER_OPEN_SHIFT)
    storage.challenges[server][epoch][receipt.payee][receipt.amount] = open
    storage._transfer_in(storage.CHALLENGE_STAKE)
    log Challenged(
        server=server, epoch=epoch, payee=receipt.payee, amount=receipt.amount, challenger=msg.sender, deadline=deadline, blocking=blocking
    )


@internal
@view
def _answered_amount(server: address, epoch: uint256, payee: address, meta: uint256) -> uint256:
    """
    @notice The greatest amount that was proven for a payee under the standing post, wei; zero if the post is void.
    @param meta The epoch's packed fields.
    """
    if meta >> storage.EPOCH_VOID_SHIFT != 0:
        return 0
    return storage.answered[storage.commitment[server][epoch]][payee]


@internal
def _close_challenge(server: address, epoch: uint256, payee: address, challenged: uint256, stake: uint256):
    """
    @notice Delete a challenge and its counts.
    @param stake Wei that is added to the bond.
    """
    open: uint256 = storage.challenges[server][epoch][payee][challenged]
    storage.challenges[server][epoch][payee][challenged] = 0
    if open >> storage.CHALLENGE_BLOCKING_SHIFT != 0:
        storage.epoch_meta[server][epoch] = storage.epoch_meta[server][epoch] - (1 << storage.EPOCH_OPEN_SHIFT)
    storage.server_state[server] = storage.server_state[server] - (1 << storage.SERVER_OPEN_SHIFT) + stake


@external
@nonreentrant
def answerBatch(server: address, epoch: uint256, rest: bytes32, items: DynArray[Answer, 32], nodes: DynArray[sum_proof.Node, 640]):
    """
    @notice Prove leaves of the standing post, each of at least the challenged amount. Their stakes are added to the bond. A challenge that
        is already closed is skipped, so that answering one of a batch first does not revert the others. Anyone may.
    @param rest keccak(entries digest, counts root, data hash) of the post.
    @param nodes The items' proofs, one after the other, each from the leaf upwards.
    """
    assert storage.epoch_meta[server][epoch] >> storage.EPOCH_VOID_SHIFT == 0, "settlement: epoch void"
    commitment: bytes32 = storage.commitment[server][epoch]
    offset: uint256 = 0
    closed: bool = False
    for item: Answer in items:
        assert item.depth <= 32, "settlement: index out of range"
        if storage.challenges[server][epoch][item.payee][item.challenged] != 0:
            assert item.amount >= item.challenged, "settlement: leaf below challenge"
            proof: DynArray[sum_proof.Node, 32] = []
            for level: uint256 in range(item.depth, bound=32):
                proof.append(nodes[offset + level])
            hash: bytes32 = empty(bytes32)
            total: uint256 = 0
            hash, total = sum_proof._fold(item.payee, item.amount, item.index, proof)
            assert storage._matches_commitment(server, epoch, hash, total, rest), "settlement: invalid proof"
            if item.amount > storage.answered[commitment][item.payee]:
                storage.answered[commitment][item.payee] = item.amount
            self._close_challenge(server, epoch, item.payee, item.challenged, storage.CHALLENGE_STAKE)
            log Answered(server=server, epoch=epoch, payee=item.payee, amount=item.challenged, shown=item.amount, index=item.index)
            closed = True
        offset += item.depth
    assert closed, "settlement: no open challenge"


@external
@nonreentrant
def dismiss(server: address, epoch: uint256, payee: address, challenged: uint256):
    """@notice Close a challenge at or below what was already proven for its payee. The stake is added to the bond. Anyone may."""
    assert storage.challenges[server][epoch][payee][challenged] != 0, "settlement: no open challenge"
    assert challenged <= self._answered_amount(server, epoch, payee, storage.epoch_meta[server][epoch]), "settlement: not answered"
    self._close_challenge(server, epoch, payee, challenged, storage.CHALLENGE_STAKE)
    log Dismissed(server=server, epoch=epoch, payee=payee, amount=challenged)


@external
@nonreentrant
def slash(server: address, epoch: uint256, payee: address, challenged: uint256):
    """
    @notice Slash the whole bond for an unanswered challenge: half of it and the stake go to the challenger, the rest to the treasury. A
        post that was challenged before the end of its window becomes void. Anyone may.
    """
    open: uint256 = storage.challenges[server][epoch][payee][challenged]
    assert open != 0, "settlement: no open challenge"
    assert block.timestamp > (open >> storage.CHALLENGE_DEADLINE_SHIFT) & storage.MASK_40, "settlement: deadline not over"
    assert challenged > self._answered_amount(server, epoch, payee, storage.epoch_meta[server][epoch]), "settlement: already answered"
    self._close_challenge(server, epoch, payee, challenged, 0)
    void: bool = False
    if open >> storage.CHALLENGE_BLOCKING_SHIFT != 0:
        meta: uint256 = storage.epoch_meta[server][epoch]
        if (meta >> storage.EPOCH_READY_SHIFT) & storage.MASK_40 != 0:
            void = True
            storage.epoch_meta[server][epoch] = meta | (1 << storage.EPOCH_VOID_SHIFT)
    state: uint256 = storage.server_state[server]
    bond: uint256 = state & storage.MASK_96
    storage.server_state[server] = state - bond
    storage._transfer_out(convert(open & storage.MASK_160, address), bond // 2 + storage.CHALLENGE_STAKE)
    storage._transfer_out(storage.TREASURY, bond - bond // 2)
    log Slashed(server=server, epoch=epoch, payee=payee, amount=challenged, bond=bond, void=void)
