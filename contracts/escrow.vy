# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Escrow and bonds
@notice The part of Settlement that holds payers' escrow and servers' bonds.
"""
from . import settlement_storage as storage

uses: storage


event Deposited:
    server: indexed(address)
    payer: indexed(address)
    amount: uint256


event WithdrawRequested:
    server: indexed(address)
    payer: indexed(address)
    amount: uint256
    ready: uint256


event Withdrawn:
    server: indexed(address)
    payer: indexed(address)
    amount: uint256


event Bonded:
    server: indexed(address)
    owner: indexed(address)
    amount: uint256


event Retired:
    server: indexed(address)
    epoch: uint256


event Unbonded:
    server: indexed(address)
    amount: uint256


@external
@nonreentrant
def deposit(server: address, payer: address, amount: uint256):
    """
    @notice Add to a payer's escrow with one server. Anyone may.
    @param server The server's signing address.
    @param payer Whose escrow it becomes.
    @param amount Wei.
    """
    assert server != empty(address) and payer != empty(address), "settlement: zero address"
    account: uint256 = storage.account[server][payer]
    assert amount <= storage.MASK_96 and (account & storage.MASK_128) + amount <= storage.MASK_96, "settlement: escrow overflow"
    storage.account[server][payer] = account + amount
    storage._transfer_in(amount)
    log Deposited(server=server, payer=payer, amount=amount)


@external
@nonreentrant
def request(server: address, amount: uint256):
    """
    @notice Request a withdrawal of escrow. Replaces an earlier request and restarts the delay; servers stop relying on it at once.
    @param amount Wei; zero cancels the request.
    """
    assert amount <= storage.account[server][msg.sender] & storage.MASK_128, "settlement: escrow too low"
    ready: uint256 = block.timestamp + storage.WITHDRAWAL_DELAY
    storage.requests[server][msg.sender] = storage.Request(amount=amount, ready=ready)
    log WithdrawRequested(server=server, payer=msg.sender, amount=amount, ready=ready)


@external
@nonreentrant
def withdraw(server: address):
    """@notice Withdraw the requested escrow after the delay, or what debits have left of it."""
    pending: storage.Request = storage.requests[server][msg.sender]
    assert pending.amount != 0, "settlement: nothing requested"
    assert block.timestamp >= pending.ready, "settlement: delay not over"
    account: uint256 = storage.account[server][msg.sender]
    amount: uint256 = min(pending.amount, account & storage.MASK_128)
    storage.requests[server][msg.sender] = empty(storage.Request)
    storage.account[server][msg.sender] = account - amount
    storage._transfer_out(msg.sender, amount)
    log Withdrawn(server=server, payer=msg.sender, amount=amount)


@external
@nonreentrant
def bond(server: address, amount: uint256):
    """
    @notice Add to a server's bond. The first sender becomes the bond's owner; only the owner may add, since it receives all of the bond.
    @param amount Wei.
    """
    assert server != empty(address), "settlement: zero address"
    state: uint256 = storage.server_state[server]
    assert (state >> storage.SERVER_RETIRED_SHIFT) & storage.MASK_32 == 0, "settlement: server retired"
    assert amount <= storage.MASK_96 and (state & storage.MASK_96) + amount <= storage.MASK_96, "settlement: bond overflow"
    owner: address = storage.bond_owner[server]
    if owner == empty(address):
        storage.bond_owner[server] = msg.sender
    else:
        assert owner == msg.sender, "settlement: not the bond owner"
    storage.server_state[server] = state + amount
    storage._transfer_in(amount)
    log Bonded(server=server, owner=msg.sender, amount=amount)


@external
@nonreentrant
def retire(server: address):
    """@notice Retire a server for good: the running epoch is the last that it can post. Only the bond's owner."""
    assert storage.bond_owner[server] == msg.sender, "settlement: not the bond owner"
    state: uint256 = storage.server_state[server]
    assert (state >> storage.SERVER_RETIRED_SHIFT) & storage.MASK_32 == 0, "settlement: server retired"
    epoch: uint256 = block.timestamp // storage.EPOCH_LENGTH
    storage.server_state[server] = state | ((epoch + 1) << storage.SERVER_RETIRED_SHIFT)
    log Retired(server=server, epoch=epoch)


@external
@nonreentrant
def unbond(server: address):
    """@notice Return a retired server's bond to its owner, once none of its epochs can be challenged any more."""
    assert storage.bond_owner[server] == msg.sender, "settlement: not the bond owner"
    state: uint256 = storage.server_state[server]
    retired: uint256 = (state >> storage.SERVER_RETIRED_SHIFT) & storage.MASK_32
    assert retired != 0, "settlement: server not retired"
    last_deadline: uint256 = storage._challengeable_from(retired - 1) + storage.CHALLENGE_PERIOD + storage.ANSWER_PERIOD
    assert block.timestamp > last_deadline, "settlement: delay not over"
    # An unanswered challenge must be slashed first, however late.
    assert state >> storage.SERVER_OPEN_SHIFT == 0, "settlement: challenge open"
    amount: uint256 = state & storage.MASK_96
    assert amount != 0, "settlement: no bond"
    storage.server_state[server] = state - amount
    storage._transfer_out(msg.sender, amount)
    log Unbonded(server=server, amount=amount)
