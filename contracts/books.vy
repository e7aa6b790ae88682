# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Books
@notice What Settlement keeps, its times, and the few sums that several of its parts need. Words are packed; the specification says how.
"""
from ethereum.ercs import IERC20


interface IRegistry:
    def rate_at(epoch: uint256) -> uint256: view
    def is_owner(account: address) -> bool: view
    def EPOCH_LENGTH() -> uint256: view


struct Node:
    hash: bytes32
    total: uint256


struct Request:
    amount: uint256
    ready: uint256


struct Challenge:
    by: address
    deadline: uint256
    blocking: bool


struct Draft:
    digest: bytes32  # of the entries debited so far; zero: none
    count: uint256


M32: constant(uint256) = 2**32 - 1
M40: constant(uint256) = 2**40 - 1
M96: constant(uint256) = 2**96 - 1
M128: constant(uint256) = 2**128 - 1

# Fields of `lane`: open << 160 | (last epoch it may post + 1) << 128 | (last posted epoch + 1) << 96 | bond
LANE_OPEN: constant(uint256) = 160
LANE_RETIRED: constant(uint256) = 128
LANE_LAST: constant(uint256) = 96

# Fields of `meta`: void << 255 | open << 232 | ready << 192 | fee << 96 | left
VOID: constant(uint256) = 255
OPEN: constant(uint256) = 232
READY: constant(uint256) = 192
FEE: constant(uint256) = 96
MAX_OPEN: constant(uint256) = 2**23 - 1

# Fields of `challenges`: blocking << 255 | deadline << 160 | by
BLOCKING: constant(uint256) = 255
DEADLINE: constant(uint256) = 160
M160: constant(uint256) = 2**160 - 1

TOKEN: public(immutable(IERC20))
REGISTRY: public(immutable(IRegistry))
TREASURY: public(immutable(address))
LENGTH: public(immutable(uint256))
GRACE: public(immutable(uint256))
WINDOW: public(immutable(uint256))
ANSWER: public(immutable(uint256))
LATE: public(immutable(uint256))
DELAY: public(immutable(uint256))
STAKE: public(immutable(uint256))

account: public(HashMap[address, HashMap[address, uint256]])  # server, payer: spent << 128 | escrow
requests: public(HashMap[address, HashMap[address, Request]])  # server, payer
lane: public(HashMap[address, uint256])
lane_owner: public(HashMap[address, address])
commit: public(HashMap[address, HashMap[uint256, bytes32]])  # server, epoch: keccak(root, total, rest)
meta: public(HashMap[address, HashMap[uint256, uint256]])  # server, epoch
# Server, epoch: what was debited before the post; total and commission of an epoch that is not posted are in its meta.
draft: public(HashMap[address, HashMap[uint256, Draft]])
bits: HashMap[address, HashMap[uint256, HashMap[uint256, uint256]]]  # server, epoch, position >> 8: paid leaves
# Server, epoch, payee, amount. Were the amount no key, a server could keep a payee's place taken by demanding little of itself.
challenges: HashMap[address, HashMap[uint256, HashMap[address, HashMap[uint256, uint256]]]]
# Commitment, payee: the greatest leaf shown under it. Another root is another commitment, so nothing passes from a void post to the next.
answered: public(HashMap[bytes32, HashMap[address, uint256]])


@deploy
def __init__(
    token: IERC20,
    registry: IRegistry,
    treasury: address,
    length: uint256,
    grace: uint256,
    window: uint256,
    answer: uint256,
    late: uint256,
    delay: uint256,
    stake: uint256,
):
    """
    @param treasury Gets the commission and half of every lost bond.
    @param length Seconds of an epoch, the registry's; grace + window + answer must fit into it.
    """
    assert token.address != empty(address) and registry.address != empty(address) and treasury != empty(address), "zero"
    # Fields of 96 bits hold any sum of such a token.
    assert staticcall token.totalSupply() < 2**90, "supply"
    assert window > 0 and grace + window + answer <= length, "schedule"
    # What was played before a withdrawal was asked for is posted before it is paid; every post can still be challenged when it is final.
    assert delay >= length + grace and late >= length + window, "schedule"
    assert staticcall registry.EPOCH_LENGTH() == length, "length"
    TOKEN = token
    REGISTRY = registry
    TREASURY = treasury
    LENGTH = length
    GRACE = grace
    WINDOW = window
    ANSWER = answer
    LATE = late
    DELAY = delay
    STAKE = stake


@internal
def _take(amount: uint256):
    assert extcall TOKEN.transferFrom(msg.sender, self, amount, default_return_value=True), "token"


@internal
def _pay(to: address, amount: uint256):
    assert extcall TOKEN.transfer(to, amount, default_return_value=True), "token"


@internal
@view
def _due(epoch: uint256) -> uint256:
    """When an epoch ought to be posted, and can first be challenged."""
    return (epoch + 1) * LENGTH + GRACE


@internal
@view
def _final(server: address, epoch: uint256) -> bool:
    return self._is_final(self.meta[server][epoch])


@internal
@view
def _is_final(word: uint256) -> bool:
    """@param word An epoch's meta."""
    ready: uint256 = (word >> READY) & M40
    return ready != 0 and block.timestamp >= ready and word >> OPEN == 0


@internal
@view
def _committed(server: address, epoch: uint256, root: bytes32, total: uint256, rest: bytes32) -> bool:
    return self.commit[server][epoch] == keccak256(abi_encode(root, total, rest))


@internal
@pure
def _fold(payee: address, amount: uint256, index: uint256, proof: DynArray[Node, 32]) -> (bytes32, uint256):
    """
    @notice Where a sum proof ends: the root, if it is one, and the sum of all leaves. No leaf of a tree has two indices.
    @param proof The siblings, from the bottom.
    """
    assert index >> len(proof) == 0, "index"
    hash: bytes32 = keccak256(abi_encode(empty(uint256), payee, amount))
    total: uint256 = amount
    place: uint256 = index
    for node: Node in proof:
        if place & 1 == 0:
            hash = keccak256(abi_encode(convert(1, uint256), hash, total, node.hash, node.total))
        else:
            hash = keccak256(abi_encode(convert(1, uint256), node.hash, node.total, hash, total))
        total += node.total
        place >>= 1
    return hash, total


@view
@external
def final(server: address, epoch: uint256) -> bool:
    """@notice Posted, past its window, not challenged, not void."""
    return self._final(server, epoch)


@view
@external
def claimed(server: address, epoch: uint256, index: uint256, depth: uint256) -> bool:
    """@notice Whether the leaf at an index of a tree of that depth has been paid."""
    position: uint256 = (1 << depth) | index
    return self.bits[server][epoch][position >> 8] & (1 << (position & 255)) != 0


@view
@external
def ch(server: address, epoch: uint256, payee: address, amount: uint256) -> Challenge:
    """@notice An open challenge; `by` is zero where there is none."""
    word: uint256 = self.challenges[server][epoch][payee][amount]
    return Challenge(
        by=convert(word & M160, address), deadline=(word >> DEADLINE) & M40, blocking=word >> BLOCKING != 0
    )
