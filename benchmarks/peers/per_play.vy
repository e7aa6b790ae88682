# pragma version ~=0.4.3
# SPDX-License-Identifier: Apache-2.0
"""
@title One transaction per play
@notice The peer of the gas figures: the station pays the owner and the play is counted, at once and in storage. Signatures, tickets
    and commission are left out, in the peer's favour.
"""
from ethereum.ercs import IERC20

TOKEN: immutable(IERC20)

plays: public(HashMap[address, uint256])


@deploy
def __init__(token: IERC20):
    TOKEN = token


@external
def play(content: address, owner: address, price: uint256):
    assert extcall TOKEN.transferFrom(msg.sender, owner, price), "token"
    self.plays[content] += 1
