# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Content, one recording
@notice A minimal proxy made by the registry; its address is the recording's fingerprint and stands in the file and in the sound.
"""
from ethereum.ercs import IERC20


interface IRegistry:
    def EPOCH_LENGTH() -> uint256: view
    def server(server: address) -> Server: view
    def note_owner(owner: address): nonpayable


interface IRights:
    def holds(who: address, content: address, time: uint256) -> bool: view
    def changes(content: address) -> uint256: view


struct Server:
    url: String[253]
    key: bytes32
    active: bool


struct State:
    owner: address
    policy_hash: bytes32
    price: uint256
    interval: uint256
    server: address
    revoked: bool
    destroyed: bool
    open_license: bool


struct Seen:
    policy_hash: bytes32
    version: uint256
    changes: uint256  # of the content, by its owner
    rights_changes: uint256  # of terms and gifts of rights, by its owner


struct Offer:
    to: address  # zero: anyone
    price: uint256
    open: bool


event Licensed:
    station: indexed(address)
    on: bool


event PolicySet:
    version: indexed(uint256)
    policy_hash: bytes32
    price: uint256
    interval: uint256


event Offered:
    to: indexed(address)
    price: uint256


event Retracted: pass


event OwnerSet:
    owner: indexed(address)
    before: indexed(address)
    price: uint256
    from_epoch: uint256


event ServerProposed:
    server: indexed(address)


event ServerMoved:
    server: indexed(address)
    before: indexed(address)
    from_epoch: uint256


event Revoked: pass


event Destroyed: pass


REGISTRY: immutable(address)
TOKEN: immutable(IERC20)
RIGHTS: immutable(IRights)
LENGTH: immutable(uint256)  # seconds of an epoch

owners: HashMap[uint256, uint256]  # number of the change: first epoch << 160 | owner
owner_changes: public(uint256)  # the number of the last one
policies: HashMap[uint256, bytes32]
version: public(uint256)  # the number of the policy that holds
price: public(uint256)  # wei per interval to the owner
interval: public(uint256)  # seconds
servers: HashMap[uint256, uint256]  # number of the move: first epoch << 160 | server
server_changes: public(uint256)
proposed_server: public(address)
changes: public(uint256)  # how often an owner changed licences, policy or proposed server
revoked: public(bool)
destroyed: public(bool)
open_license: public(bool)  # any registered station may play
license: HashMap[address, bool]
offer: public(Offer)


@deploy
def __init__(registry: address, token: IERC20, rights: IRights):
    """@param registry The only caller that may initialise clones."""
    REGISTRY = registry
    TOKEN = token
    RIGHTS = rights
    LENGTH = staticcall IRegistry(registry).EPOCH_LENGTH()
    # The implementation itself is nobody's content.
    self.owners[0] = convert(0x000000000000000000000000000000000000dEaD, uint256)


@external
def initialize(owner: address, policy_hash: bytes32, price: uint256, interval: uint256, server: address, open_license: bool):
    """@notice Once, by the registry, in the transaction that makes the clone."""
    assert msg.sender == REGISTRY, "registry"
    assert self.owners[0] == 0, "initialized"
    self.owners[0] = convert(owner, uint256)
    self.policies[0] = policy_hash
    self.price = price
    self.interval = interval
    self.servers[0] = convert(server, uint256)
    self.open_license = open_license


@internal
@view
def _owner() -> address:
    return convert(self.owners[self.owner_changes] & (2**160 - 1), address)


@internal
@view
def _owner_at(epoch: uint256) -> address:
    number: uint256 = self.owner_changes
    for _: uint256 in range(2**32):
        if number == 0 or epoch >= self.owners[number] >> 160:
            break
        number -= 1
    return convert(self.owners[number] & (2**160 - 1), address)


@internal
@view
def _server_at(epoch: uint256) -> address:
    number: uint256 = self.server_changes
    for _: uint256 in range(2**32):
        if number == 0 or epoch >= self.servers[number] >> 160:
            break
        number -= 1
    return convert(self.servers[number] & (2**160 - 1), address)


@internal
@view
def _own():
    assert msg.sender == self._owner(), "owner"


@view
@external
def owner() -> address:
    """@notice Who decides, from the moment of a sale."""
    return self._owner()


@view
@external
def owner_at(epoch: uint256) -> address:
    """@notice Who earns in an epoch: a sale moves income from the next one on, so that an epoch's books name one owner."""
    return self._owner_at(epoch)


@view
@external
def server() -> address:
    """@notice The security server of the running epoch."""
    return self._server_at(block.timestamp // LENGTH)


@view
@external
def server_at(epoch: uint256) -> address:
    """@notice The security server of an epoch: of every past one too. A move begins with an epoch."""
    return self._server_at(epoch)


@view
@external
def served(server: address, epoch: uint256) -> bool:
    """@notice Whether a server has had the content in an epoch or before it: what it counts late is still its own to post."""
    number: uint256 = self.server_changes
    for _: uint256 in range(2**32):
        if self.servers[number] >> 160 <= epoch and convert(self.servers[number] & (2**160 - 1), address) == server:
            return True
        if number == 0:
            break
        number -= 1
    return False


@view
@external
def state() -> State:
    """@notice Everything in one call; owner and server are those of the running epoch."""
    return State(
        owner=self._owner_at(block.timestamp // LENGTH),
        policy_hash=self.policies[self.version],
        price=self.price,
        interval=self.interval,
        server=self._server_at(block.timestamp // LENGTH),
        revoked=self.revoked,
        destroyed=self.destroyed,
        open_license=self.open_license,
    )


@view
@external
def policy_hash() -> bytes32:
    """@notice The policy that holds for whoever begins now."""
    return self.policies[self.version]


@view
@external
def policy(version: uint256) -> bytes32:
    """@notice A policy of before: rights stay under the one they were bought with. Zero where there is none."""
    return self.policies[version]


@view
@external
def licensed(station: address) -> bool:
    """@notice Whether a station may play it now: by the owner's licence, or by a right that it holds."""
    if self.revoked or self.destroyed:
        return False
    if self.open_license or self.license[station]:
        return True
    return staticcall RIGHTS.holds(station, self, block.timestamp)


@external
def set_license(station: address, on: bool):
    """@notice License one station, or take the licence back. Rights are not touched."""
    self._own()
    self.changes += 1
    self.license[station] = on
    log Licensed(station=station, on=on)


@external
def set_policy(policy_hash: bytes32, price: uint256, interval: uint256):
    """@notice New terms for whoever begins now. The old policy stays readable, and in force for the rights bought under it."""
    self._own()
    assert not self.revoked, "revoked"
    assert price < 2**96, "price"
    assert interval > 0, "interval"
    self.changes += 1
    version: uint256 = self.version + 1
    self.version = version
    self.policies[version] = policy_hash
    self.price = price
    self.interval = interval
    log PolicySet(version=version, policy_hash=policy_hash, price=price, interval=interval)


@external
def offer_to(to: address, price: uint256):
    """
    @notice Offer the recording to one address, or, for a price, to anyone (`to` zero). It stays the owner's until it is accepted.
    @param price Wei of GoMAA; zero gives it away.
    """
    self._own()
    assert to != empty(address) or price != 0, "price"
    self.offer = Offer(to=to, price=price, open=True)
    log Offered(to=to, price=price)


@external
def retract():
    """@notice Take an offer back."""
    self._own()
    assert self.offer.open, "offer"
    self.offer = empty(Offer)
    log Retracted()


@view
@external
def seen() -> Seen:
    """@notice What a buyer of the recording names when it accepts."""
    return Seen(
        policy_hash=self.policies[self.version],
        version=self.version,
        changes=self.changes,
        rights_changes=staticcall RIGHTS.changes(self),
    )


@external
@nonreentrant
def accept(most: uint256, seen: Seen):
    """
    @notice The second step: pay, and own. Decisions pass at once, income with the next epoch.
    @param most Wei that the buyer pays at most.
    @param seen What the buyer saw: whatever the owner changed since then reverts.
    """
    offer: Offer = self.offer
    assert offer.open, "offer"
    assert offer.to == empty(address) or offer.to == msg.sender, "to"
    assert offer.price <= most, "price"
    assert not self.revoked, "revoked"
    assert self.version == seen.version and self.policies[self.version] == seen.policy_hash, "policy"
    assert self.changes == seen.changes, "changes"
    assert staticcall RIGHTS.changes(self) == seen.rights_changes, "rights"
    price: uint256 = offer.price
    before: address = self._owner()
    number: uint256 = self.owner_changes
    from_epoch: uint256 = block.timestamp // LENGTH + 1
    # Sold twice within an epoch: who had it between earns nothing by it.
    if number == 0 or self.owners[number] >> 160 != from_epoch:
        number += 1
        self.owner_changes = number
    self.owners[number] = (from_epoch << 160) | convert(msg.sender, uint256)
    self.offer = empty(Offer)
    # The former owner's proposal binds the new one as little as its offers do.
    self.proposed_server = empty(address)
    # Income is pushed without a signature only to those whom the registry knows as owners.
    extcall IRegistry(REGISTRY).note_owner(msg.sender)
    if price != 0:
        assert extcall TOKEN.transferFrom(msg.sender, before, price, default_return_value=True), "token"
    log OwnerSet(owner=msg.sender, before=before, price=price, from_epoch=from_epoch)


@external
def propose_server(server: address):
    """
    @notice The first step of a move: name another security server, or nobody, which takes the proposal back.
    @dev The named server gets the content's keys from the one of now, sealed, and then accepts.
    """
    self._own()
    assert not self.revoked, "revoked"
    number: uint256 = self.server_changes
    assert self.servers[number] >> 160 <= block.timestamp // LENGTH, "moving"
    if server != empty(address):
        assert server != convert(self.servers[number] & (2**160 - 1), address), "server"
        assert (staticcall IRegistry(REGISTRY).server(server)).active, "server"
    else:
        assert self.proposed_server != empty(address), "proposal"
    self.changes += 1
    self.proposed_server = server
    log ServerProposed(server=server)


@external
def accept_server():
    """@notice The second step, by the proposed server once it has the keys: it is the content's server from the next epoch on."""
    assert msg.sender == self.proposed_server, "proposal"
    assert not self.revoked, "revoked"
    assert (staticcall IRegistry(REGISTRY).server(msg.sender)).active, "server"
    number: uint256 = self.server_changes
    before: address = convert(self.servers[number] & (2**160 - 1), address)
    from_epoch: uint256 = block.timestamp // LENGTH + 1
    self.server_changes = number + 1
    self.servers[number + 1] = (from_epoch << 160) | convert(msg.sender, uint256)
    self.proposed_server = empty(address)
    log ServerMoved(server=msg.sender, before=before, from_epoch=from_epoch)


@external
def revoke():
    """@notice Players stop within one segment, servers shred the keys. There is no way back."""
    self._own()
    assert not self.revoked, "revoked"
    self.revoked = True
    log Revoked()


@external
def destroy():
    """@notice As revoke, and hosts delete what they hold."""
    self._own()
    assert not self.destroyed, "destroyed"
    self.revoked = True
    self.destroyed = True
    log Destroyed()
