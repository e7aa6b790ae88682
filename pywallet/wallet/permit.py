"""Permits of the token (ERC-2612): an owner without coins for gas allows a spender an amount by signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pywallet.crypto import keccak256, sign
from pywallet.crypto.interface import split_signature
from pywallet.protocol.structs import check
from pywallet.wallet.transactions import call_data

# Hashed on use: the extension's memory snapshot of this module is made without a hash function.
_DOMAIN: Final = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_PERMIT: Final = b"Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
# The token's EIP-712 domain (contracts/gomaa.vy).
_NAME: Final = b"GoMAA"
_VERSION: Final = b"1"


@dataclass(frozen=True)
class Permit:
    """Permission for ``spender`` to take an owner's tokens.

    Attributes:
        chain_id: Number of the network.
        token: Address of the token's contract, 20 bytes.
        owner: Address, 20 bytes.
        spender: Address, 20 bytes.
        amount: Wei of the token.
        nonce: The token's nonce of the owner.
        deadline: Last moment at which the permit is valid, Unix seconds.
    """

    chain_id: int
    token: bytes
    owner: bytes
    spender: bytes
    amount: int
    nonce: int
    deadline: int

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            check(name, "address" if name in ("token", "owner", "spender") else "uint256", value)

    @property
    def digest(self) -> bytes:
        """The digest that the owner signs, 32 bytes (EIP-712)."""
        names = keccak256(_DOMAIN) + keccak256(_NAME) + keccak256(_VERSION)
        domain = keccak256(names + _words(self.chain_id, self.token))
        struct = keccak256(
            keccak256(_PERMIT) + _words(self.owner, self.spender, self.amount, self.nonce, self.deadline)
        )
        return keccak256(b"\x19\x01" + domain + struct)

    def sign(self, private_key: bytes) -> bytes:
        """The owner's signature, 65 bytes."""
        return sign(private_key, self.digest)

    def data(self, signature: bytes) -> bytes:
        """Call data of the token's ``permit`` with the owner's signature. Raises InputError ``message.schema``."""
        r, s, parity = split_signature(signature)
        function = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"
        return call_data(function, self.owner, self.spender, self.amount, self.deadline, 27 + parity, r, s)


def transfer_from_data(owner: bytes, to: bytes, amount: int) -> bytes:
    """Call data of ``transferFrom(address,address,uint256)``; ``amount`` in wei of the token."""
    return call_data("transferFrom(address,address,uint256)", owner, to, amount)


def _words(*values: bytes | int) -> bytes:
    return b"".join(value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0") for value in values)
