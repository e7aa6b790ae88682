# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Rights sale
@notice The part of Rights in which a content's owner sells, rents out and gives away new rights.
"""
from snekmate.tokens import erc721

from . import rights_storage as storage

uses: erc721
uses: storage


event TermsSet:
    content: indexed(address)
    price: uint256
    rent: uint256
    royalty: uint256


event Granted:
    id: indexed(uint256)
    content: indexed(address)
    holder: indexed(address)
    expires: uint256
    version: uint256
    price: uint256


DAY: constant(uint256) = 86_400  # seconds
MAX_DAYS: constant(uint256) = 3_660
MAX_ROYALTY: constant(uint256) = 5_000  # basis points


@external
def set_terms(content: address, price: uint256, rent: uint256, royalty: uint256):
    """
    @notice Set the prices of new rights. Existing rights keep their policy and royalty. Only the content's owner.
    @param price Wei for an unlimited right; zero: not for sale.
    @param rent Wei per day; zero: not for rent.
    @param royalty Basis points of a resale.
    """
    assert staticcall storage.REGISTRY.is_content(content), "rights: unknown content"
    assert staticcall storage.IContent(content).owner() == msg.sender, "rights: not the owner"
    assert price < 2**96 and rent < 2**80, "rights: price too large"
    assert royalty <= MAX_ROYALTY, "rights: royalty too large"
    storage.terms[content] = storage.Terms(price=price, rent=rent, royalty=royalty)
    storage.changes[content] += 1
    log TermsSet(content=content, price=price, rent=rent, royalty=royalty)


@view
@external
def seen(content: address) -> storage.Seen:
    """@notice The state that a buyer of a new right names; a buyer of a listed right names that of `rights`."""
    return storage.Seen(
        version=staticcall storage.IContent(content).version(),
        policy_hash=staticcall storage.IContent(content).policy_hash(),
        royalty=storage.terms[content].royalty,
    )


@internal
@view
def _check_seen(content: address, seen: storage.Seen):
    """@notice Revert unless a new right would be the one that the buyer saw."""
    assert not staticcall storage.IContent(content).revoked(), "rights: content revoked"
    assert staticcall storage.IContent(content).version() == seen.version, "rights: policy changed"
    assert staticcall storage.IContent(content).policy_hash() == seen.policy_hash, "rights: policy changed"
    assert storage.terms[content].royalty == seen.royalty, "rights: royalty changed"


@internal
def _grant(content: address, to: address, expires: uint256, price: uint256) -> uint256:
    """@notice Mint a right under the content's present policy and royalty; returns its number."""
    id: uint256 = storage.next_id
    storage.next_id = id + 1
    version: uint256 = staticcall storage.IContent(content).version()
    storage.rights[id] = storage.Right(
        content=content,
        expires=expires,
        policy_hash=staticcall storage.IContent(content).policy_hash(),
        version=version,
        royalty=storage.terms[content].royalty,
    )
    erc721._mint(to, id)
    storage._activate(content, to, id)
    log Granted(id=id, content=content, holder=to, expires=expires, version=version, price=price)
    return id


@external
@nonreentrant
def give(content: address, to: address, duration: uint256) -> uint256:
    """
    @notice Give a right away. Only the content's owner.
    @param duration Seconds; zero: unlimited.
    @return The right's number.
    """
    assert staticcall storage.REGISTRY.is_content(content), "rights: unknown content"
    assert staticcall storage.IContent(content).owner() == msg.sender, "rights: not the owner"
    assert not staticcall storage.IContent(content).revoked(), "rights: content revoked"
    assert duration <= MAX_DAYS * DAY, "rights: invalid duration"
    storage.changes[content] += 1
    return self._grant(content, to, block.timestamp + duration if duration != 0 else 0, 0)


@external
@nonreentrant
def buy(content: address, to: address, seen: storage.Seen, max_price: uint256, permit: storage.Permit) -> uint256:
    """
    @notice Buy an unlimited right from the content's owner.
    @param to The right's holder.
    @param seen The state that the buyer saw; any other reverts.
    @param max_price The most that the buyer pays, wei.
    @param permit An ERC-2612 permit over `max_price`, for a purchase in one transaction.
    @return The right's number.
    """
    price: uint256 = storage.terms[content].price
    assert price != 0, "rights: not offered"
    assert price <= max_price, "rights: price above maximum"
    self._check_seen(content, seen)
    storage._use_permit(max_price, permit)
    storage._pay(staticcall storage.IContent(content).owner(), price)
    return self._grant(content, to, 0, price)


@external
@nonreentrant
def rent(content: address, to: address, days: uint256, seen: storage.Seen, max_price: uint256, permit: storage.Permit) -> uint256:
    """
    @notice Rent a right for some days from the content's owner.
    @param to The right's holder.
    @param seen The state that the buyer saw; any other reverts.
    @param max_price The most that the buyer pays for all days, wei.
    @param permit An ERC-2612 permit over `max_price`, for a purchase in one transaction.
    @return The right's number.
    """
    daily: uint256 = storage.terms[content].rent
    assert daily != 0, "rights: not offered"
    assert days > 0 and days <= MAX_DAYS, "rights: invalid duration"
    price: uint256 = daily * days
    assert price <= max_price, "rights: price above maximum"
    self._check_seen(content, seen)
    storage._use_permit(max_price, permit)
    storage._pay(staticcall storage.IContent(content).owner(), price)
    return self._grant(content, to, block.timestamp + days * DAY, price)
