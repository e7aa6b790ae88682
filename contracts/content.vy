# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Content, one recording
@notice A minimal proxy made by the registry; its address is the recording's fingerprint and stands in the file and in the sound.
"""

struct State:
    owner: address
    policy_hash: bytes32
    price: uint256
    interval: uint256
    server: address
    revoked: bool
    destroyed: bool
    open_license: bool


event Licensed:
    station: indexed(address)
    on: bool


event Revoked: pass


event Destroyed: pass


REGISTRY: immutable(address)

owner: public(address)
policy_hash: public(bytes32)
price: public(uint256)  # wei per interval to the owner
interval: public(uint256)  # seconds
server: public(address)
revoked: public(bool)
destroyed: public(bool)
open_license: public(bool)  # any registered station may play
license: HashMap[address, bool]


@deploy
def __init__(registry: address):
    """@param registry The only caller that may initialise clones."""
    REGISTRY = registry
    # The implementation itself is nobody's content.
    self.owner = 0x000000000000000000000000000000000000dEaD


@external
def initialize(owner: address, policy_hash: bytes32, price: uint256, interval: uint256, server: address, open_license: bool):
    """@notice Once, by the registry, in the transaction that makes the clone."""
    assert msg.sender == REGISTRY, "registry"
    assert self.owner == empty(address), "initialized"
    self.owner = owner
    self.policy_hash = policy_hash
    self.price = price
    self.interval = interval
    self.server = server
    self.open_license = open_license


@view
@external
def state() -> State:
    """@notice Everything in one call."""
    return State(
        owner=self.owner,
        policy_hash=self.policy_hash,
        price=self.price,
        interval=self.interval,
        server=self.server,
        revoked=self.revoked,
        destroyed=self.destroyed,
        open_license=self.open_license,
    )


@view
@external
def licensed(station: address) -> bool:
    """@notice Whether the owner lets this station play it."""
    return (self.open_license or self.license[station]) and not self.revoked and not self.destroyed


@external
def set_license(station: address, on: bool):
    """@notice License one station, or take the licence back."""
    assert msg.sender == self.owner, "owner"
    self.license[station] = on
    log Licensed(station=station, on=on)


@external
def revoke():
    """@notice Players stop within one segment, servers shred the keys. There is no way back."""
    assert msg.sender == self.owner, "owner"
    assert not self.revoked, "revoked"
    self.revoked = True
    log Revoked()


@external
def destroy():
    """@notice As revoke, and hosts delete what they hold."""
    assert msg.sender == self.owner, "owner"
    assert not self.destroyed, "destroyed"
    self.revoked = True
    self.destroyed = True
    log Destroyed()
