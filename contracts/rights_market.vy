# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Rights market
@notice The part of Rights in which holders lend, resell and transfer rights.
"""
from snekmate.tokens import erc721

from . import rights_storage as storage

uses: erc721
uses: storage


event Lent:
    id: indexed(uint256)
    borrower: indexed(address)
    until: uint256


event Returned:
    id: indexed(uint256)
    borrower: indexed(address)


event Listed:
    id: indexed(uint256)
    seller: indexed(address)
    price: uint256


event Unlisted:
    id: indexed(uint256)


event Resold:
    id: indexed(uint256)
    seller: indexed(address)
    buyer: indexed(address)
    price: uint256
    royalty: uint256


@external
def loan(id: uint256, borrower: address, until: uint256):
    """
    @notice Lend a right. It is the borrower's until the loan ends and the holder's again afterwards, without a transaction.
    @param until End of the loan, Unix s.
    """
    assert erc721._owner_of(id) == msg.sender, "rights: not the holder"
    assert borrower != empty(address) and borrower != msg.sender, "rights: invalid borrower"
    assert not storage._is_lent(id, block.timestamp), "rights: lent"
    assert until > block.timestamp, "rights: loan ends in the past"
    expires: uint256 = storage.rights[id].expires
    assert expires == 0 or until <= expires, "rights: expired"
    storage.loans[id] = storage.Loan(borrower=borrower, until=until)
    storage._activate(storage.rights[id].content, borrower, id)
    log Lent(id=id, borrower=borrower, until=until)


@external
def give_back(id: uint256):
    """@notice End a loan early. Only the borrower."""
    assert storage.loans[id].borrower == msg.sender and storage._is_lent(id, block.timestamp), "rights: not the borrower"
    storage.loans[id].until = block.timestamp
    log Returned(id=id, borrower=msg.sender)


@external
def list(id: uint256, price: uint256):
    """
    @notice Offer a right for resale; it stays the holder's until it is bought.
    @param price Wei.
    """
    assert erc721._owner_of(id) == msg.sender, "rights: not the holder"
    assert price != 0 and price < 2**96, "rights: invalid price"
    assert storage._is_unexpired(id, block.timestamp), "rights: expired"
    storage.listings[id] = price
    log Listed(id=id, seller=msg.sender, price=price)


@external
def unlist(id: uint256):
    """@notice Withdraw the offer."""
    assert erc721._owner_of(id) == msg.sender, "rights: not the holder"
    assert storage.listings[id] != 0, "rights: not listed"
    storage.listings[id] = 0
    log Unlisted(id=id)


@external
@nonreentrant
def purchase(id: uint256, content: address, expires: uint256, seen: storage.Seen, max_price: uint256, permit: storage.Permit):
    """
    @notice Buy a listed right: the royalty goes to the content's owner, the remainder to the seller.
    @param content The right's content as the buyer saw it, like `expires` and `seen` (the policy and royalty it was bought under).
    @param max_price The most that the buyer pays, wei.
    @param permit An ERC-2612 permit over `max_price`, for a purchase in one transaction.
    """
    price: uint256 = storage.listings[id]
    assert price != 0, "rights: not listed"
    right: storage.Right = storage.rights[id]
    assert right.content == content, "rights: content differs"
    assert right.expires == expires, "rights: expiry differs"
    assert right.version == seen.version and right.policy_hash == seen.policy_hash, "rights: policy changed"
    assert right.royalty == seen.royalty, "rights: royalty changed"
    assert price <= max_price, "rights: price above maximum"
    assert not staticcall storage.IContent(content).revoked(), "rights: content revoked"
    seller: address = erc721._owner_of(id)
    royalty: uint256 = price * right.royalty // 10_000
    storage._use_permit(max_price, permit)
    storage._pay(staticcall storage.IContent(content).owner(), royalty)
    storage._pay(seller, price - royalty)
    self._transfer_right(seller, msg.sender, id)
    log Resold(id=id, seller=seller, buyer=msg.sender, price=price, royalty=royalty)


@internal
def _transfer_right(holder: address, to: address, id: uint256):
    """@notice Transfer a right that is neither expired nor lent, and end its listing."""
    assert storage._is_unexpired(id, block.timestamp), "rights: expired"
    assert not storage._is_lent(id, block.timestamp), "rights: lent"
    storage.listings[id] = 0
    erc721._transfer(holder, to, id)
    storage._activate(storage.rights[id].content, to, id)


@external
@payable
def transferFrom(owner: address, to: address, token_id: uint256):
    """@notice ERC-721 transfer. Reverts for a right that is expired or lent; ends a listing."""
    assert erc721._is_approved_or_owner(msg.sender, token_id), "erc721: caller is not token owner or approved"
    self._transfer_right(owner, to, token_id)


@external
@payable
def safeTransferFrom(owner: address, to: address, token_id: uint256, data: Bytes[1_024] = b""):
    """@notice ERC-721 transfer that requires the acceptance of a receiving contract."""
    assert erc721._is_approved_or_owner(msg.sender, token_id), "erc721: caller is not token owner or approved"
    self._transfer_right(owner, to, token_id)
    assert erc721._check_on_erc721_received(owner, to, token_id, data), "erc721: transfer to non-IERC721Receiver implementer"
