# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Content sale
@notice The part of Content that offers a recording and transfers its ownership.
"""
from . import content_storage as storage

uses: storage


struct Seen:
    policy_hash: bytes32
    version: uint256
    changes: uint256  # by the owner, of the content
    rights_changes: uint256  # by the owner, of terms and gifts of rights


event Offered:
    to: indexed(address)
    price: uint256


event Retracted: pass


event OwnerSet:
    owner: indexed(address)
    previous_owner: indexed(address)
    price: uint256
    from_epoch: uint256


@external
def offer_to(to: address, price: uint256):
    """
    @notice Offer the recording to one address or, for a price, to anyone (`to` zero). Ownership changes on acceptance.
    @param price Wei of GoMAA; zero for a gift.
    """
    storage._check_owner()
    assert to != empty(address) or price != 0, "content: offer without price"
    storage.offer = storage.Offer(to=to, price=price, open=True)
    log Offered(to=to, price=price)


@external
def retract():
    """@notice Withdraw the offer."""
    storage._check_owner()
    assert storage.offer.open, "content: no offer"
    storage.offer = empty(storage.Offer)
    log Retracted()


@view
@external
def seen() -> Seen:
    """@notice The state that a buyer names in `accept`."""
    return Seen(
        policy_hash=storage.policies[storage.version],
        version=storage.version,
        changes=storage.changes,
        rights_changes=staticcall storage.RIGHTS.changes(self),
    )


@external
@nonreentrant
def accept(max_price: uint256, seen: Seen):
    """
    @notice Accept the offer: pay its price and become the owner. Decisions pass at once, income with the next epoch.
    @param max_price The most that the buyer pays, wei.
    @param seen The state that the buyer saw; any change by the owner since then reverts.
    """
    offer: storage.Offer = storage.offer
    assert offer.open, "content: no offer"
    assert offer.to == empty(address) or offer.to == msg.sender, "content: offered to another"
    assert offer.price <= max_price, "content: price above maximum"
    assert not storage.revoked, "content: revoked"
    assert storage.version == seen.version and storage.policies[storage.version] == seen.policy_hash, "content: policy changed"
    assert storage.changes == seen.changes, "content: state changed"
    assert staticcall storage.RIGHTS.changes(self) == seen.rights_changes, "content: rights changed"
    price: uint256 = offer.price
    previous_owner: address = storage._owner()
    number: uint256 = storage.owner_changes
    from_epoch: uint256 = block.timestamp // storage.EPOCH_LENGTH + 1
    # Of several sales within an epoch only the buyer of the last one earns.
    if number == 0 or storage.owners[number] >> 160 != from_epoch:
        number += 1
        storage.owner_changes = number
    storage.owners[number] = (from_epoch << 160) | convert(msg.sender, uint256)
    storage.offer = empty(storage.Offer)
    # A sale ends the former owner's proposal of a server, as it ends the offer.
    storage.proposed_server = empty(address)
    # Only registered owners receive income without their signature.
    extcall storage.IRegistry(storage.REGISTRY).note_owner(msg.sender)
    if price != 0:
        assert extcall storage.TOKEN.transferFrom(msg.sender, previous_owner, price, default_return_value=True), "content: transfer failed"
    log OwnerSet(owner=msg.sender, previous_owner=previous_owner, price=price, from_epoch=from_epoch)
