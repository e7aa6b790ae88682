# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Drafts
@notice The part of Settlement that debits payers, in as many parts as an epoch takes, and gives debits back.
"""
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator as eip712
from snekmate.utils import message_hash_utils

from . import books

uses: books
uses: eip712


struct Entry:
    payer: address
    net: uint256
    cap: uint256
    until: uint256
    r: uint256
    vs: uint256


struct Debit:
    payer: address
    net: uint256


event Debited:
    server: indexed(address)
    epoch: indexed(uint256)
    before: bytes32
    digest: bytes32
    total: uint256
    fee: uint256


event Undone:
    server: indexed(address)
    epoch: indexed(uint256)
    before: bytes32
    total: uint256
    fee: uint256


event Refunded:
    server: indexed(address)
    epoch: indexed(uint256)


VOUCHER: constant(bytes32) = keccak256("Voucher(address server,address payer,uint256 cap,uint256 until)")


@internal
@view
def _begin(epoch: uint256, before: bytes32) -> uint256:
    """
    @notice Refuse unless the sender may debit payers for an epoch now.
    @param before The digest of what it has debited for it.
    @return The sender's lane.
    """
    assert block.timestamp >= (epoch + 1) * books.LENGTH and block.timestamp <= (epoch + 2) * books.LENGTH, "time"
    lane: uint256 = books.lane[msg.sender]
    retired: uint256 = (lane >> books.LANE_RETIRED) & books.M32
    assert retired == 0 or epoch < retired, "retired"
    word: uint256 = books.meta[msg.sender][epoch]
    assert (word >> books.READY) & books.M40 == 0, "posted"
    # Until a void post's earlier parts are undone.
    assert word >> books.VOID == 0, "void"
    last: uint256 = (lane >> books.LANE_LAST) & books.M32
    if last != 0 and last != epoch + 1:
        if (books.meta[msg.sender][last - 1] >> books.READY) & books.M40 != 0:
            assert books._final(msg.sender, last - 1), "pending"
        else:
            assert books.draft[msg.sender][last - 1].digest == empty(bytes32), "pending"
    # So that a part that is sent twice is debited once, and a post completes no other draft than its server means.
    assert books.draft[msg.sender][epoch].digest == before, "draft"
    return lane


@internal
def _debit(epoch: uint256, bps: uint256, domain: bytes32, entry: Entry) -> uint256:
    """
    @notice Take one payer's gross from its escrow with the sender.
    @param domain The domain separator, the same for all entries.
    @return The commission in it.
    """
    voucher: bytes32 = keccak256(abi_encode(VOUCHER, msg.sender, entry.payer, entry.cap, entry.until))
    hash: bytes32 = message_hash_utils._to_typed_data_hash(domain, voucher)
    signer: address = ecdsa._try_recover_r_vs(hash, entry.r, entry.vs)
    assert signer == entry.payer and signer != empty(address), "voucher"
    assert epoch <= entry.until, "expired"
    assert entry.net <= books.M96, "net"
    commission: uint256 = entry.net * bps // 10_000
    gross: uint256 = entry.net + commission
    account: uint256 = books.account[msg.sender][entry.payer]
    spent: uint256 = (account >> 128) + gross
    escrow: uint256 = account & books.M128
    assert spent <= entry.cap and spent <= books.M128, "cap"
    assert gross <= escrow, "escrow"
    books.account[msg.sender][entry.payer] = (spent << 128) | (escrow - gross)
    return commission


@external
@nonreentrant
def debit(epoch: uint256, before: bytes32, entries: DynArray[Entry, 256]):
    """
    @notice A server with more payers than a post takes debits some of them first, as often as it needs to.
    @param before The digest of what was debited before, zero for the first part.
    """
    lane: uint256 = self._begin(epoch, before)
    bps: uint256 = staticcall books.REGISTRY.rate_at(epoch)
    total: uint256 = 0
    fee: uint256 = 0
    digest: bytes32 = before
    domain: bytes32 = eip712._domain_separator_v4()
    for entry: Entry in entries:
        fee += self._debit(epoch, bps, domain, entry)
        total += entry.net
        digest = keccak256(abi_encode(digest, entry.payer, entry.net))
    word: uint256 = books.meta[msg.sender][epoch]
    assert (word & books.M96) + total <= lane & books.M96, "exposure"
    books.lane[msg.sender] = (lane & ~(books.M32 << books.LANE_LAST)) | ((epoch + 1) << books.LANE_LAST)
    books.meta[msg.sender][epoch] = word + (fee << books.FEE) + total
    count: uint256 = books.draft[msg.sender][epoch].count + len(entries)
    books.draft[msg.sender][epoch] = books.Draft(digest=digest, count=count)
    log Debited(server=msg.sender, epoch=epoch, before=before, digest=digest, total=total, fee=fee)


@internal
def _return(server: address, epoch: uint256, before: bytes32, debits: DynArray[Debit, 256]) -> (bytes32, uint256, uint256):
    """
    @notice Give payers their gross back, at the rate it was taken.
    @return The digest of the debits after `before`, the sum of their nets, and of the commissions.
    """
    bps: uint256 = staticcall books.REGISTRY.rate_at(epoch)
    digest: bytes32 = before
    total: uint256 = 0
    fee: uint256 = 0
    for debit: Debit in debits:
        digest = keccak256(abi_encode(digest, debit.payer, debit.net))
        commission: uint256 = debit.net * bps // 10_000
        gross: uint256 = debit.net + commission
        books.account[server][debit.payer] = books.account[server][debit.payer] - (gross << 128) + gross
        total += debit.net
        fee += commission
    return digest, total, fee


@external
@nonreentrant
def undo(server: address, epoch: uint256, before: bytes32, debits: DynArray[Debit, 256]):
    """
    @notice The last debits of an epoch that is not posted go back to the payers: for its server at any time, for anyone once it can no
        longer be posted, or was and is void. What is wholly undone holds up nothing.
    @param before The digest that the debits were added to.
    """
    word: uint256 = books.meta[server][epoch]
    assert (word >> books.READY) & books.M40 == 0, "posted"
    draft: books.Draft = books.draft[server][epoch]
    assert draft.digest != empty(bytes32), "draft"
    assert msg.sender == server or word >> books.VOID != 0 or block.timestamp > (epoch + 2) * books.LENGTH, "time"
    digest: bytes32 = empty(bytes32)
    total: uint256 = 0
    fee: uint256 = 0
    digest, total, fee = self._return(server, epoch, before, debits)
    assert digest == draft.digest, "debits"
    word -= (fee << books.FEE) + total
    if before == empty(bytes32):
        word &= books.MAX_OPEN << books.OPEN
    books.meta[server][epoch] = word
    books.draft[server][epoch] = books.Draft(digest=before, count=draft.count - len(debits))
    log Undone(server=server, epoch=epoch, before=before, total=total, fee=fee)


@external
@nonreentrant
def refund(
    server: address, epoch: uint256, root: bytes32, total: uint256, counts: bytes32, data: bytes32, debits: DynArray[Debit, 256]
):
    """
    @notice The debits of a void post go back to the payers. What was debited before it is a draft again, which anyone undoes; then a
        bonded server may post the epoch again.
    @param debits Those of the post itself.
    """
    word: uint256 = books.meta[server][epoch]
    assert word >> books.VOID == 1, "void"
    before: bytes32 = books.draft[server][epoch].digest
    digest: bytes32 = empty(bytes32)
    net: uint256 = 0
    fee: uint256 = 0
    digest, net, fee = self._return(server, epoch, before, debits)
    assert books._committed(server, epoch, root, total, keccak256(abi_encode(digest, counts, data))), "header"
    books.commit[server][epoch] = empty(bytes32)
    # Challenges that are still open count against what is posted next.
    word = (word & ~(books.M40 << books.READY)) - (fee << books.FEE) - net
    if before == empty(bytes32):
        word &= books.MAX_OPEN << books.OPEN
    books.meta[server][epoch] = word
    log Refunded(server=server, epoch=epoch)
