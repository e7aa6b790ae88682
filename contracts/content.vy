# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Content
@notice One recording: a minimal proxy created by the registry. Its address identifies the recording in the file and in the audio.
"""
from ethereum.ercs import IERC20

from . import content_sale
from . import content_server
from . import content_storage as storage

initializes: storage
initializes: content_sale[storage := storage]
initializes: content_server[storage := storage]

exports: (
    storage.owner_changes,
    storage.version,
    storage.price,
    storage.interval,
    storage.server_changes,
    storage.proposed_server,
    storage.changes,
    storage.revoked,
    storage.destroyed,
    storage.open_license,
    storage.offer,
    storage.owner,
    storage.owner_at,
    storage.server,
    storage.server_at,
    storage.served,
    storage.state,
    storage.policy_hash,
    storage.policy,
    storage.licensed,
)
exports: (content_sale.offer_to, content_sale.retract, content_sale.seen, content_sale.accept)
exports: (content_server.propose_server, content_server.accept_server)


event Licensed:
    station: indexed(address)
    on: bool


event PolicySet:
    version: indexed(uint256)
    policy_hash: bytes32
    price: uint256
    interval: uint256


event Revoked: pass


event Destroyed: pass


@deploy
def __init__(registry: address, token: IERC20, rights: storage.IRights):
    """
    @notice Set up the implementation that all clones share.
    @param registry The only caller that may initialise clones.
    @param token The ERC-20 token that sales are paid in.
    @param rights The contract of the streaming rights.
    """
    storage.__init__(registry, token, rights)


@external
def initialize(owner: address, policy_hash: bytes32, price: uint256, interval: uint256, server: address, open_license: bool):
    """
    @notice Initialise a clone. Only the registry, once, in the transaction that creates the clone.
    @param price Wei per interval, to the owner.
    @param interval Seconds.
    """
    assert msg.sender == storage.REGISTRY, "content: not the registry"
    assert storage.owners[0] == 0, "content: initialized"
    storage.owners[0] = convert(owner, uint256)
    storage.policies[0] = policy_hash
    storage.price = price
    storage.interval = interval
    storage.servers[0] = convert(server, uint256)
    storage.open_license = open_license


@external
def set_license(station: address, on: bool):
    """@notice Grant or withdraw a station's licence. Rights are unaffected."""
    storage._check_owner()
    storage.changes += 1
    storage.license[station] = on
    log Licensed(station=station, on=on)


@external
def set_policy(policy_hash: bytes32, price: uint256, interval: uint256):
    """
    @notice Set the policy for new sessions. Earlier policies stay readable, and in force for the rights bought under them.
    @param price Wei per interval, to the owner.
    @param interval Seconds.
    """
    storage._check_owner()
    assert not storage.revoked, "content: revoked"
    assert price < 2**96, "content: price too large"
    assert interval > 0, "content: interval is zero"
    storage.changes += 1
    version: uint256 = storage.version + 1
    storage.version = version
    storage.policies[version] = policy_hash
    storage.price = price
    storage.interval = interval
    log PolicySet(version=version, policy_hash=policy_hash, price=price, interval=interval)


@external
def revoke():
    """@notice Revoke the recording for good: players stop within one segment, and servers delete its keys."""
    storage._check_owner()
    assert not storage.revoked, "content: revoked"
    storage.revoked = True
    log Revoked()


@external
def destroy():
    """@notice Revoke the recording and have hosts delete their copies."""
    storage._check_owner()
    assert not storage.destroyed, "content: destroyed"
    storage.revoked = True
    storage.destroyed = True
    log Destroyed()
