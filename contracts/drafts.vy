# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Drafts
@notice The part of Settlement that debits payers, in one or several parts for each epoch, and returns debits.
"""
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator as eip712
from snekmate.utils import message_hash_utils

from . import settlement_storage as storage

uses: storage
uses: eip712


struct Entry:
    payer: address
    net: uint256  # wei
    cap: uint256  # cumulative gross wei that the payer's voucher covers
    until: uint256  # last epoch of the voucher
    r: uint256  # the voucher's signature (EIP-2098)
    vs: uint256


struct Debit:
    payer: address
    net: uint256


event Debited:
    server: indexed(address)
    epoch: indexed(uint256)
    previous_digest: bytes32
    digest: bytes32
    total: uint256
    fee: uint256


event Undone:
    server: indexed(address)
    epoch: indexed(uint256)
    previous_digest: bytes32
    total: uint256
    fee: uint256


event Refunded:
    server: indexed(address)
    epoch: indexed(uint256)


VOUCHER_TYPEHASH: constant(bytes32) = keccak256("Voucher(address server,address payer,uint256 cap,uint256 until)")


@internal
@view
def _check_may_debit(epoch: uint256, previous_digest: bytes32) -> uint256:
    """
    @notice Revert unless the sender may debit payers for an epoch now.
    @param previous_digest The digest of the entries debited for the epoch so far.
    @return The sender's packed state.
    """
    start: uint256 = (epoch + 1) * storage.EPOCH_LENGTH
    assert block.timestamp >= start and block.timestamp <= start + storage.EPOCH_LENGTH, "settlement: outside post period"
    state: uint256 = storage.server_state[msg.sender]
    retired: uint256 = (state >> storage.SERVER_RETIRED_SHIFT) & storage.MASK_32
    assert retired == 0 or epoch < retired, "settlement: server retired"
    meta: uint256 = storage.epoch_meta[msg.sender][epoch]
    assert (meta >> storage.EPOCH_READY_SHIFT) & storage.MASK_40 == 0, "settlement: epoch posted"
    # The parts before a void post are undone first.
    assert meta >> storage.EPOCH_VOID_SHIFT == 0, "settlement: epoch void"
    last: uint256 = (state >> storage.SERVER_LAST_SHIFT) & storage.MASK_32
    if last != 0 and last != epoch + 1:
        if (storage.epoch_meta[msg.sender][last - 1] >> storage.EPOCH_READY_SHIFT) & storage.MASK_40 != 0:
            assert storage._is_final(msg.sender, last - 1), "settlement: last epoch pending"
        else:
            assert storage.draft[msg.sender][last - 1].digest == empty(bytes32), "settlement: last epoch pending"
    # A part that is sent twice is debited once, and a post completes only the draft that its server names.
    assert storage.draft[msg.sender][epoch].digest == previous_digest, "settlement: draft differs"
    return state


@internal
def _debit_payer(epoch: uint256, bps: uint256, domain: bytes32, entry: Entry) -> uint256:
    """
    @notice Move one payer's gross from its escrow with the sender to its spent sum.
    @param epoch The epoch that is debited.
    @param bps The epoch's commission in basis points of the net.
    @param domain The EIP-712 domain separator, computed once for all entries.
    @return The commission in wei.
    """
    voucher: bytes32 = keccak256(abi_encode(VOUCHER_TYPEHASH, msg.sender, entry.payer, entry.cap, entry.until))
    hash: bytes32 = message_hash_utils._to_typed_data_hash(domain, voucher)
    signer: address = ecdsa._try_recover_r_vs(hash, entry.r, entry.vs)
    assert signer == entry.payer and signer != empty(address), "settlement: invalid voucher"
    assert epoch <= entry.until, "settlement: voucher expired"
    assert entry.net <= storage.MASK_96, "settlement: net overflow"
    commission: uint256 = entry.net * bps // 10_000
    gross: uint256 = entry.net + commission
    account: uint256 = storage.account[msg.sender][entry.payer]
    spent: uint256 = (account >> 128) + gross
    escrow: uint256 = account & storage.MASK_128
    assert spent <= entry.cap and spent <= storage.MASK_128, "settlement: voucher cap exceeded"
    assert gross <= escrow, "settlement: escrow too low"
    storage.account[msg.sender][entry.payer] = (spent << 128) | (escrow - gross)
    return commission


@external
@nonreentrant
def debit(epoch: uint256, previous_digest: bytes32, entries: DynArray[Entry, 256]):
    """
    @notice Debit a part of an epoch's payers before the post, for epochs with more payers than one post takes. Only the server.
    @param previous_digest The digest of the entries debited so far, zero for the first part.
    """
    state: uint256 = self._check_may_debit(epoch, previous_digest)
    bps: uint256 = staticcall storage.REGISTRY.rate_at(epoch)
    total: uint256 = 0
    fee: uint256 = 0
    digest: bytes32 = previous_digest
    domain: bytes32 = eip712._domain_separator_v4()
    for entry: Entry in entries:
        fee += self._debit_payer(epoch, bps, domain, entry)
        total += entry.net
        digest = keccak256(abi_encode(digest, entry.payer, entry.net))
    meta: uint256 = storage.epoch_meta[msg.sender][epoch]
    assert (meta & storage.MASK_96) + total <= state & storage.MASK_96, "settlement: bond exceeded"
    storage.server_state[msg.sender] = (state & ~(storage.MASK_32 << storage.SERVER_LAST_SHIFT)) | ((epoch + 1) << storage.SERVER_LAST_SHIFT)
    storage.epoch_meta[msg.sender][epoch] = meta + (fee << storage.EPOCH_FEE_SHIFT) + total
    count: uint256 = storage.draft[msg.sender][epoch].count + len(entries)
    storage.draft[msg.sender][epoch] = storage.Draft(digest=digest, count=count)
    log Debited(server=msg.sender, epoch=epoch, previous_digest=previous_digest, digest=digest, total=total, fee=fee)


@internal
def _return_debits(server: address, epoch: uint256, previous_digest: bytes32, debits: DynArray[Debit, 256]) -> (bytes32, uint256, uint256):
    """
    @notice Return payers' gross to their escrow, at the epoch's commission rate.
    @return The digest of the debits appended to `previous_digest`, the sum of their nets, and of the commissions.
    """
    bps: uint256 = staticcall storage.REGISTRY.rate_at(epoch)
    digest: bytes32 = previous_digest
    total: uint256 = 0
    fee: uint256 = 0
    for debit: Debit in debits:
        digest = keccak256(abi_encode(digest, debit.payer, debit.net))
        commission: uint256 = debit.net * bps // 10_000
        gross: uint256 = debit.net + commission
        storage.account[server][debit.payer] = storage.account[server][debit.payer] - (gross << 128) + gross
        total += debit.net
        fee += commission
    return digest, total, fee


@external
@nonreentrant
def undo(server: address, epoch: uint256, previous_digest: bytes32, debits: DynArray[Debit, 256]):
    """
    @notice Return the last debits of an epoch that is not posted: by its server at any time, by anyone once it can no longer be posted or
        its post was void. A draft without entries blocks no other epoch.
    @param previous_digest The digest that the debits were appended to.
    @param debits The last entries of the draft, in order.
    """
    meta: uint256 = storage.epoch_meta[server][epoch]
    assert (meta >> storage.EPOCH_READY_SHIFT) & storage.MASK_40 == 0, "settlement: epoch posted"
    draft: storage.Draft = storage.draft[server][epoch]
    assert draft.digest != empty(bytes32), "settlement: no draft"
    post_end: uint256 = (epoch + 2) * storage.EPOCH_LENGTH
    assert msg.sender == server or meta >> storage.EPOCH_VOID_SHIFT != 0 or block.timestamp > post_end, "settlement: not undoable yet"
    digest: bytes32 = empty(bytes32)
    total: uint256 = 0
    fee: uint256 = 0
    digest, total, fee = self._return_debits(server, epoch, previous_digest, debits)
    assert digest == draft.digest, "settlement: debits differ"
    meta -= (fee << storage.EPOCH_FEE_SHIFT) + total
    if previous_digest == empty(bytes32):
        meta &= storage.MAX_OPEN_CHALLENGES << storage.EPOCH_OPEN_SHIFT
    storage.epoch_meta[server][epoch] = meta
    storage.draft[server][epoch] = storage.Draft(digest=previous_digest, count=draft.count - len(debits))
    log Undone(server=server, epoch=epoch, previous_digest=previous_digest, total=total, fee=fee)


@external
@nonreentrant
def refund(
    server: address, epoch: uint256, root: bytes32, total: uint256, counts_root: bytes32, data_hash: bytes32, debits: DynArray[Debit, 256]
):
    """
    @notice Return the debits of a void post. The parts debited before the post become a draft again, which anyone may undo; after that a
        bonded server may post the epoch again. Anyone may.
    @param counts_root Root of the post's counts tree.
    @param data_hash keccak of the post's published data.
    @param debits The entries of the post itself, without its earlier parts.
    """
    meta: uint256 = storage.epoch_meta[server][epoch]
    assert meta >> storage.EPOCH_VOID_SHIFT == 1, "settlement: epoch not void"
    previous_digest: bytes32 = storage.draft[server][epoch].digest
    digest: bytes32 = empty(bytes32)
    net: uint256 = 0
    fee: uint256 = 0
    digest, net, fee = self._return_debits(server, epoch, previous_digest, debits)
    rest: bytes32 = keccak256(abi_encode(digest, counts_root, data_hash))
    assert storage._matches_commitment(server, epoch, root, total, rest), "settlement: header differs"
    storage.commitment[server][epoch] = empty(bytes32)
    # Challenges that are still open block the next post of the epoch.
    meta = (meta & ~(storage.MASK_40 << storage.EPOCH_READY_SHIFT)) - (fee << storage.EPOCH_FEE_SHIFT) - net
    if previous_digest == empty(bytes32):
        meta &= storage.MAX_OPEN_CHALLENGES << storage.EPOCH_OPEN_SHIFT
    storage.epoch_meta[server][epoch] = meta
    log Refunded(server=server, epoch=epoch)
