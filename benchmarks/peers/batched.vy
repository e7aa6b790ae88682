# pragma version ~=0.4.3
# SPDX-License-Identifier: Apache-2.0
"""
@title Batches of signed receipts
@notice The second peer of the gas figures: each play is a receipt that its station signed, recovered here, up to two hundred in a
    transaction. Payments go through internal balances and are counted per content; sessions, commission and withdrawal are left out,
    in the peer's favour.
"""

struct Play:
    station: address
    content: address
    owner: address
    price: uint256
    number: uint256
    v: uint256
    r: uint256
    s: uint256


PLAY: constant(bytes32) = keccak256("Play(address station,address content,address owner,uint256 price,uint256 number)")

balance_of: public(HashMap[address, uint256])
last: public(HashMap[address, uint256])
plays: public(HashMap[address, uint256])


@external
def fund(station: address, amount: uint256):
    self.balance_of[station] += amount


@external
def settle(batch: DynArray[Play, 200]):
    for play: Play in batch:
        hash: bytes32 = keccak256(abi_encode(PLAY, play.station, play.content, play.owner, play.price, play.number))
        assert ecrecover(hash, play.v, play.r, play.s) == play.station, "signature"
        assert play.number > self.last[play.station], "replayed"
        self.last[play.station] = play.number
        self.balance_of[play.station] -= play.price
        self.balance_of[play.owner] += play.price
        self.plays[play.content] += 1
