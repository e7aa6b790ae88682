# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Content storage
@notice State of one recording, its owners and security servers by epoch, and the views that need no more than these.
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


struct Offer:
    to: address  # zero: anyone
    price: uint256  # wei
    open: bool


MASK_160: constant(uint256) = 2**160 - 1

REGISTRY: immutable(address)
TOKEN: immutable(IERC20)
RIGHTS: immutable(IRights)
EPOCH_LENGTH: immutable(uint256)  # seconds

owners: HashMap[uint256, uint256]  # number of the change: first epoch << 160 | owner
owner_changes: public(uint256)  # number of the latest change of owner
policies: HashMap[uint256, bytes32]  # version: policy hash
version: public(uint256)  # number of the current policy
price: public(uint256)  # wei per interval, to the owner
interval: public(uint256)  # seconds
servers: HashMap[uint256, uint256]  # number of the move: first epoch << 160 | server
server_changes: public(uint256)  # number of the latest move
proposed_server: public(address)
changes: public(uint256)  # number of the owner's changes of licences, policy and proposed server
revoked: public(bool)
destroyed: public(bool)
open_license: public(bool)  # every registered station may play
license: HashMap[address, bool]  # station
offer: public(Offer)


@deploy
def __init__(registry: address, token: IERC20, rights: IRights):
    """
    @notice Set up the implementation that all clones share.
    @param registry The only caller that may initialise clones.
    @param token The ERC-20 token that sales are paid in.
    @param rights The contract of the streaming rights.
    """
    REGISTRY = registry
    TOKEN = token
    RIGHTS = rights
    EPOCH_LENGTH = staticcall IRegistry(registry).EPOCH_LENGTH()
    # The implementation itself has an unusable owner, so that nobody can initialise it.
    self.owners[0] = convert(0x000000000000000000000000000000000000dEaD, uint256)


@internal
@view
def _owner() -> address:
    """@notice The owner by the latest change."""
    return convert(self.owners[self.owner_changes] & MASK_160, address)


@internal
@view
def _owner_at(epoch: uint256) -> address:
    """@notice The owner that earns in an epoch."""
    number: uint256 = self.owner_changes
    for _: uint256 in range(2**32):
        if number == 0 or epoch >= self.owners[number] >> 160:
            break
        number -= 1
    return convert(self.owners[number] & MASK_160, address)


@internal
@view
def _server_at(epoch: uint256) -> address:
    """@notice The security server of an epoch."""
    number: uint256 = self.server_changes
    for _: uint256 in range(2**32):
        if number == 0 or epoch >= self.servers[number] >> 160:
            break
        number -= 1
    return convert(self.servers[number] & MASK_160, address)


@internal
@view
def _check_owner():
    """@notice Revert unless the sender is the owner."""
    assert msg.sender == self._owner(), "content: not the owner"


@view
@external
def owner() -> address:
    """@notice The account that decides, from the moment of a sale."""
    return self._owner()


@view
@external
def owner_at(epoch: uint256) -> address:
    """@notice The account that earns in an epoch. A sale takes effect with the next epoch, so that every epoch has one earner."""
    return self._owner_at(epoch)


@view
@external
def server() -> address:
    """@notice The security server of the running epoch."""
    return self._server_at(block.timestamp // EPOCH_LENGTH)


@view
@external
def server_at(epoch: uint256) -> address:
    """@notice The security server of an epoch, past or to come. A move takes effect with an epoch."""
    return self._server_at(epoch)


@view
@external
def served(server: address, epoch: uint256) -> bool:
    """@notice True if a server has had the content in an epoch or before it, so that it may still post late plays."""
    number: uint256 = self.server_changes
    for _: uint256 in range(2**32):
        if self.servers[number] >> 160 <= epoch and convert(self.servers[number] & MASK_160, address) == server:
            return True
        if number == 0:
            break
        number -= 1
    return False


@view
@external
def state() -> State:
    """@notice The whole state in one call; owner and server are those of the running epoch."""
    return State(
        owner=self._owner_at(block.timestamp // EPOCH_LENGTH),
        policy_hash=self.policies[self.version],
        price=self.price,
        interval=self.interval,
        server=self._server_at(block.timestamp // EPOCH_LENGTH),
        revoked=self.revoked,
        destroyed=self.destroyed,
        open_license=self.open_license,
    )


@view
@external
def policy_hash() -> bytes32:
    """@notice The current policy."""
    return self.policies[self.version]


@view
@external
def policy(version: uint256) -> bytes32:
    """@notice A policy by its version; rights keep the one they were bought under. Zero if there is none."""
    return self.policies[version]


@view
@external
def licensed(station: address) -> bool:
    """@notice True if a station may play the recording now: by an open licence, by its own licence, or by a right that it holds."""
    if self.revoked or self.destroyed:
        return False
    if self.open_license or self.license[station]:
        return True
    return staticcall RIGHTS.holds(station, self, block.timestamp)
