# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Merkle-sum proofs
@notice Verification of a leaf in a Merkle-sum tree (docs/settlement.md, Encodings).
"""

struct Node:
    hash: bytes32
    total: uint256


@internal
@pure
def _fold(payee: address, amount: uint256, index: uint256, proof: DynArray[Node, 32]) -> (bytes32, uint256):
    """
    @notice Hash a leaf with its siblings up to the root.
    @dev An index with a bit above the depth is refused, so that every leaf has exactly one index.
    @param payee The leaf's payee.
    @param amount The leaf's amount in wei.
    @param index The leaf's position among the leaves, from 0.
    @param proof The siblings, from the leaf upwards.
    @return The hash and the sum of the root that the path leads to.
    """
    assert index >> len(proof) == 0, "settlement: index out of range"
    hash: bytes32 = keccak256(abi_encode(empty(uint256), payee, amount))
    total: uint256 = amount
    position: uint256 = index
    for sibling: Node in proof:
        if position & 1 == 0:
            hash = keccak256(abi_encode(convert(1, uint256), hash, total, sibling.hash, sibling.total))
        else:
            hash = keccak256(abi_encode(convert(1, uint256), sibling.hash, sibling.total, hash, total))
        total += sibling.total
        position >>= 1
    return hash, total
