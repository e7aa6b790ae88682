# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Settlement storage
@notice Storage, periods and shared checks of Settlement. Several values share a word; docs/settlement.md has the layout.
"""
from ethereum.ercs import IERC20


interface IRegistry:
    def rate_at(epoch: uint256) -> uint256: view
    def is_owner(account: address) -> bool: view
    def EPOCH_LENGTH() -> uint256: view


struct Request:
    amount: uint256  # wei
    ready: uint256  # Unix s from which it can be withdrawn


struct Challenge:
    challenger: address
    deadline: uint256  # Unix s
    blocking: bool  # the epoch is not final while it is open


struct Draft:
    digest: bytes32  # of the entries debited so far; zero: none
    count: uint256  # entries debited so far


MASK_32: constant(uint256) = 2**32 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_96: constant(uint256) = 2**96 - 1
MASK_128: constant(uint256) = 2**128 - 1

# Fields of `server_state`: open challenges << 160 | (last epoch it may post + 1) << 128 | (last epoch debited or posted + 1) << 96 | bond
SERVER_OPEN_SHIFT: constant(uint256) = 160
SERVER_RETIRED_SHIFT: constant(uint256) = 128
SERVER_LAST_SHIFT: constant(uint256) = 96

# Fields of `epoch_meta`: void << 255 | blocking challenges << 232 | final from << 192 | unpaid commission << 96 | unclaimed total
EPOCH_VOID_SHIFT: constant(uint256) = 255
EPOCH_OPEN_SHIFT: constant(uint256) = 232
EPOCH_READY_SHIFT: constant(uint256) = 192
EPOCH_FEE_SHIFT: constant(uint256) = 96
MAX_OPEN_CHALLENGES: constant(uint256) = 2**23 - 1

# Fields of `challenges`: blocking << 255 | deadline << 160 | challenger
CHALLENGE_BLOCKING_SHIFT: constant(uint256) = 255
CHALLENGE_DEADLINE_SHIFT: constant(uint256) = 160
MASK_160: constant(uint256) = 2**160 - 1

TOKEN: public(immutable(IERC20))
REGISTRY: public(immutable(IRegistry))
TREASURY: public(immutable(address))
EPOCH_LENGTH: public(immutable(uint256))
GRACE_PERIOD: public(immutable(uint256))
CHALLENGE_WINDOW: public(immutable(uint256))
ANSWER_PERIOD: public(immutable(uint256))
CHALLENGE_PERIOD: public(immutable(uint256))
WITHDRAWAL_DELAY: public(immutable(uint256))
CHALLENGE_STAKE: public(immutable(uint256))

account: public(HashMap[address, HashMap[address, uint256]])  # server, payer: spent << 128 | escrow
requests: public(HashMap[address, HashMap[address, Request]])  # server, payer
server_state: public(HashMap[address, uint256])
bond_owner: public(HashMap[address, address])
commitment: public(HashMap[address, HashMap[uint256, bytes32]])  # server, epoch: keccak(root, total, rest)
epoch_meta: public(HashMap[address, HashMap[uint256, uint256]])  # server, epoch
# Server, epoch: the entries debited before the post. Until the post, their total and commission are in `epoch_meta`.
draft: public(HashMap[address, HashMap[uint256, Draft]])
claimed_bitmap: HashMap[address, HashMap[uint256, HashMap[uint256, uint256]]]  # server, epoch, position >> 8
# Server, epoch, payee, amount. Without the amount in the key, a server could block a payee's challenge by a smaller one of its own.
challenges: HashMap[address, HashMap[uint256, HashMap[address, HashMap[uint256, uint256]]]]
# Commitment, payee: the greatest amount proven by an answer. A new root is a new commitment: answers to a void post do not count for the
# next one.
answered: public(HashMap[bytes32, HashMap[address, uint256]])


@deploy
def __init__(
    token: IERC20,
    registry: IRegistry,
    treasury: address,
    epoch_length: uint256,
    grace_period: uint256,
    challenge_window: uint256,
    answer_period: uint256,
    challenge_period: uint256,
    withdrawal_delay: uint256,
    challenge_stake: uint256,
):
    """
    @param token The ERC-20 token of escrows, bonds, stakes and payments.
    @param registry Provides commission rates and owners.
    @param treasury Receives the commission and half of every slashed bond.
    @param epoch_length Seconds; equal to the registry's. grace_period + challenge_window + answer_period must fit into it.
    @param grace_period Seconds after an epoch's end within which a post counts as punctual, and before which no challenge is allowed.
    @param challenge_window Seconds after a post within which a challenge delays finality.
    @param answer_period Seconds to answer a challenge.
    @param challenge_period Seconds after the grace period within which an epoch can be challenged.
    @param withdrawal_delay Seconds between the request and the withdrawal of escrow.
    @param challenge_stake Wei that a challenge costs.
    """
    assert token.address != empty(address) and registry.address != empty(address) and treasury != empty(address), "settlement: zero address"
    # Any sum of the token fits into a field of 96 bits.
    assert staticcall token.totalSupply() < 2**90, "settlement: supply too large"
    assert challenge_window > 0 and grace_period + challenge_window + answer_period <= epoch_length, "settlement: invalid schedule"
    # An epoch that ran before the request is posted before the withdrawal; a post can still be challenged when it becomes final.
    assert withdrawal_delay >= epoch_length + grace_period and challenge_period >= epoch_length + challenge_window, "settlement: invalid schedule"
    assert staticcall registry.EPOCH_LENGTH() == epoch_length, "settlement: epoch length differs"
    TOKEN = token
    REGISTRY = registry
    TREASURY = treasury
    EPOCH_LENGTH = epoch_length
    GRACE_PERIOD = grace_period
    CHALLENGE_WINDOW = challenge_window
    ANSWER_PERIOD = answer_period
    CHALLENGE_PERIOD = challenge_period
    WITHDRAWAL_DELAY = withdrawal_delay
    CHALLENGE_STAKE = challenge_stake


@internal
def _transfer_in(amount: uint256):
    """@notice Transfer tokens from the sender to this contract."""
    assert extcall TOKEN.transferFrom(msg.sender, self, amount, default_return_value=True), "settlement: transfer failed"


@internal
def _transfer_out(to: address, amount: uint256):
    """@notice Transfer tokens of this contract."""
    assert extcall TOKEN.transfer(to, amount, default_return_value=True), "settlement: transfer failed"


@internal
@view
def _challengeable_from(epoch: uint256) -> uint256:
    """@notice End of an epoch's grace period, Unix s: the first second in which it can be challenged."""
    return (epoch + 1) * EPOCH_LENGTH + GRACE_PERIOD


@internal
@view
def _is_final(server: address, epoch: uint256) -> bool:
    """@notice True if a server's epoch is final."""
    return self._is_final_meta(self.epoch_meta[server][epoch])


@internal
@view
def _is_final_meta(epoch_meta: uint256) -> bool:
    """@notice True if an epoch with these packed fields is posted, past its window, not challenged and not void."""
    ready: uint256 = (epoch_meta >> EPOCH_READY_SHIFT) & MASK_40
    return ready != 0 and block.timestamp >= ready and epoch_meta >> EPOCH_OPEN_SHIFT == 0


@internal
@view
def _matches_commitment(server: address, epoch: uint256, root: bytes32, total: uint256, rest: bytes32) -> bool:
    """@notice True if a header is the one that was posted."""
    return self.commitment[server][epoch] == keccak256(abi_encode(root, total, rest))


@view
@external
def final(server: address, epoch: uint256) -> bool:
    """@notice True if an epoch is posted, past its window, not challenged and not void."""
    return self._is_final(server, epoch)


@view
@external
def claimed(server: address, epoch: uint256, index: uint256, depth: uint256) -> bool:
    """@notice True if the leaf at an index of a tree of that depth has been paid."""
    position: uint256 = (1 << depth) | index
    return self.claimed_bitmap[server][epoch][position >> 8] & (1 << (position & 255)) != 0


@view
@external
def open_challenge(server: address, epoch: uint256, payee: address, amount: uint256) -> Challenge:
    """@notice An open challenge; `challenger` is zero where there is none."""
    word: uint256 = self.challenges[server][epoch][payee][amount]
    return Challenge(
        challenger=convert(word & MASK_160, address),
        deadline=(word >> CHALLENGE_DEADLINE_SHIFT) & MASK_40,
        blocking=word >> CHALLENGE_BLOCKING_SHIFT != 0,
    )
