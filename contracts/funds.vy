# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Funds
@notice The part of Settlement that takes and returns escrow and bonds.
"""
from . import books

uses: books


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
    by: indexed(address)
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
    """@notice Fill a payer's escrow with one server. Anyone may."""
    assert server != empty(address) and payer != empty(address), "zero"
    word: uint256 = books.account[server][payer]
    assert amount <= books.M96 and (word & books.M128) + amount <= books.M96, "escrow"
    books.account[server][payer] = word + amount
    books._take(amount)
    log Deposited(server=server, payer=payer, amount=amount)


@external
@nonreentrant
def request(server: address, amount: uint256):
    """@notice Ask escrow back. It replaces what was asked before, and the delay begins anew; servers stop counting on it now."""
    assert amount <= books.account[server][msg.sender] & books.M128, "escrow"
    ready: uint256 = block.timestamp + books.DELAY
    books.requests[server][msg.sender] = books.Request(amount=amount, ready=ready)
    log WithdrawRequested(server=server, payer=msg.sender, amount=amount, ready=ready)


@external
@nonreentrant
def withdraw(server: address):
    """@notice After the delay the payer gets what it asked for, or what posts have left of it."""
    wanted: books.Request = books.requests[server][msg.sender]
    assert wanted.amount != 0, "request"
    assert block.timestamp >= wanted.ready, "delay"
    word: uint256 = books.account[server][msg.sender]
    amount: uint256 = min(wanted.amount, word & books.M128)
    books.requests[server][msg.sender] = empty(books.Request)
    books.account[server][msg.sender] = word - amount
    books._pay(msg.sender, amount)
    log Withdrawn(server=server, payer=msg.sender, amount=amount)


@external
@nonreentrant
def bond(server: address, amount: uint256):
    """
    @notice Put tokens behind a server's word. The first to do so owns the lane, and only the owner adds: what others put in would be its.
    """
    assert server != empty(address), "zero"
    word: uint256 = books.lane[server]
    assert (word >> books.LANE_RETIRED) & books.M32 == 0, "retired"
    assert amount <= books.M96 and (word & books.M96) + amount <= books.M96, "bond"
    owner: address = books.lane_owner[server]
    if owner == empty(address):
        books.lane_owner[server] = msg.sender
    else:
        assert owner == msg.sender, "owner"
    books.lane[server] = word + amount
    books._take(amount)
    log Bonded(server=server, by=msg.sender, amount=amount)


@external
@nonreentrant
def retire(server: address):
    """@notice The lane's owner ends it: the running epoch is the last that can be posted. There is no way back."""
    assert books.lane_owner[server] == msg.sender, "owner"
    word: uint256 = books.lane[server]
    assert (word >> books.LANE_RETIRED) & books.M32 == 0, "retired"
    epoch: uint256 = block.timestamp // books.LENGTH
    books.lane[server] = word | ((epoch + 1) << books.LANE_RETIRED)
    log Retired(server=server, epoch=epoch)


@external
@nonreentrant
def unbond(server: address):
    """@notice A retired lane's bond goes back to its owner when nothing that it signed for can be challenged any more."""
    assert books.lane_owner[server] == msg.sender, "owner"
    word: uint256 = books.lane[server]
    retired: uint256 = (word >> books.LANE_RETIRED) & books.M32
    assert retired != 0, "active"
    assert block.timestamp > books._due(retired - 1) + books.LATE + books.ANSWER, "delay"
    # A challenge that nobody answered is slashed first, however late.
    assert word >> books.LANE_OPEN == 0, "open"
    amount: uint256 = word & books.M96
    assert amount != 0, "bond"
    books.lane[server] = word - amount
    books._pay(msg.sender, amount)
    log Unbonded(server=server, amount=amount)
