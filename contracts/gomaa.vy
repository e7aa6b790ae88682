# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title GoMAA, the token
@notice ERC-20 with permit (ERC-2612), 18 decimals, a fixed supply minted once to `holder`. No minting, burning or pausing.
"""
from snekmate.auth import ownable
from snekmate.tokens import erc20

initializes: ownable
initializes: erc20[ownable := ownable]

exports: (
    erc20.totalSupply,
    erc20.balanceOf,
    erc20.transfer,
    erc20.transferFrom,
    erc20.approve,
    erc20.allowance,
    erc20.name,
    erc20.symbol,
    erc20.decimals,
    erc20.permit,
    erc20.nonces,
    erc20.DOMAIN_SEPARATOR,
    erc20.eip712Domain,
)


@deploy
def __init__(holder: address, supply: uint256):
    """
    @param holder Receives the whole supply.
    @param supply In wei; below 2**90, so that sums in Settlement cannot overflow their fields.
    """
    assert holder != empty(address), "token: zero address"
    assert supply < 2**90, "token: supply too large"
    ownable.__init__()
    erc20.__init__("GoMAA", "GOMAA", 18, "GoMAA", "1")
    erc20._mint(holder, supply)
    # The module's owner could mint. Ownership is renounced, and the module's minting functions are not exported.
    erc20.is_minter[msg.sender] = False
    ownable._transfer_ownership(empty(address))
