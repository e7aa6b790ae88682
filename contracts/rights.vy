# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Rights
@notice Streaming rights as ERC-721 tokens: bought, rented for days, lent, and resold with a royalty to the content's owner. A right keeps
    the policy and royalty it was bought under. The contract holds no tokens: every price is transferred directly. A buyer names the state
    that it saw and the most it pays; a purchase under any other reverts.
"""
from ethereum.ercs import IERC20
from snekmate.auth import ownable
from snekmate.tokens import erc721

from . import rights_market
from . import rights_sale
from . import rights_storage as storage

initializes: ownable
initializes: erc721[ownable := ownable]
initializes: storage[erc721 := erc721]
initializes: rights_sale[erc721 := erc721, storage := storage]
initializes: rights_market[erc721 := erc721, storage := storage]

exports: (
    erc721.balanceOf,
    erc721.ownerOf,
    erc721.approve,
    erc721.getApproved,
    erc721.setApprovalForAll,
    erc721.isApprovedForAll,
    erc721.name,
    erc721.symbol,
    erc721.tokenURI,
    erc721.totalSupply,
    erc721.tokenByIndex,
    erc721.tokenOfOwnerByIndex,
    erc721.permit,
    erc721.nonces,
    erc721.DOMAIN_SEPARATOR,
    erc721.eip712Domain,
)
exports: (
    storage.TOKEN,
    storage.REGISTRY,
    storage.terms,
    storage.rights,
    storage.loans,
    storage.listings,
    storage.changes,
    storage.holds,
    storage.activate,
    storage.royaltyInfo,
)
exports: (rights_sale.set_terms, rights_sale.seen, rights_sale.give, rights_sale.buy, rights_sale.rent)
exports: (
    rights_market.loan,
    rights_market.give_back,
    rights_market.list,
    rights_market.unlist,
    rights_market.purchase,
    rights_market.transferFrom,
    rights_market.safeTransferFrom,
)


@deploy
def __init__(token: IERC20, registry: storage.IRegistry):
    """
    @param token The ERC-20 token that rights are paid in.
    @param registry Registry of the contents.
    """
    storage.__init__(token, registry)
    ownable.__init__()
    erc721.__init__("GoMAA streaming rights", "GOMAR", "", "GoMAA streaming rights", "1")
    # The module's owner could mint. Ownership is renounced, and the module's minting functions are not exported.
    erc721.is_minter[msg.sender] = False
    ownable._transfer_ownership(empty(address))


@view
@external
def supportsInterface(interface_id: bytes4) -> bool:
    """@notice ERC-165, 721, its metadata and enumeration, permit (4494), and royalties (2981)."""
    return interface_id in [
        0x01ffc9a7,
        0x80ac58cd,
        0x5b5e139f,
        0x780e9d63,
        0x589c5ce2,
        0x2a55205a,
    ]
