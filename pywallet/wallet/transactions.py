"""Transactions of the fan's account (EIP-1559, type 2): encoding and signing. The host sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pywallet.crypto import keccak256, sign
from pywallet.encoding import rlp
from pywallet.encoding.hex import ZERO_ADDRESS, checksum, from_hex
from pywallet.errors import InputError

_TYPE: Final = b"\x02"
# The first four bytes of keccak("transfer(address,uint256)").
_TRANSFER: Final = bytes.fromhex("a9059cbb")


@dataclass(frozen=True)
class Transaction:
    """An unsigned transaction.

    Attributes:
        chain_id: Number of the network.
        nonce: Of the sender.
        tip: Highest priority fee, wei per gas.
        max_fee: Highest fee, wei per gas.
        gas: Gas limit.
        to: Recipient, 20 bytes.
        value: Wei of the network's coin.
        data: Call data.
    """

    chain_id: int
    nonce: int
    tip: int
    max_fee: int
    gas: int
    to: bytes
    value: int
    data: bytes

    @property
    def _fields(self) -> tuple[rlp.Item, ...]:
        return (self.chain_id, self.nonce, self.tip, self.max_fee, self.gas, self.to, self.value, self.data, ())

    def digest(self) -> bytes:
        """The digest that is signed, 32 bytes."""
        return keccak256(_TYPE + rlp.encode(self._fields))

    def signed(self, private_key: bytes) -> bytes:
        """The signed transaction as ``eth_sendRawTransaction`` takes it; its keccak is the transaction's hash."""
        signature = sign(private_key, self.digest())
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        return _TYPE + rlp.encode((*self._fields, signature[64] - 27, r, s))


def call_data(signature: str, *arguments: bytes | int) -> bytes:
    """Call data of a function whose arguments are addresses (20 bytes) and integers (words of 32 bytes)."""
    words = (part.to_bytes(32, "big") if isinstance(part, int) else part.rjust(32, b"\0") for part in arguments)
    return keccak256(signature.encode())[:4] + b"".join(words)


def transfer_data(to: bytes, amount: int) -> bytes:
    """Call data of ``transfer(address,uint256)``; ``amount`` in wei of the token."""
    return _TRANSFER + to.rjust(32, b"\0") + amount.to_bytes(32, "big")


def recipient(text: str) -> bytes:
    """Parse an address that a person typed.

    Raises:
        InputError: ``wallet.recipient`` for text that is no address, for mixed case with a wrong checksum (EIP-55),
            which is a typing error, and for the zero address.
    """
    typed = text.strip()
    try:
        address = from_hex(typed[:2].lower() + typed[2:], 20)
    except InputError:
        raise InputError("wallet.recipient", reason="not an address") from None
    letters = typed[2:]
    if letters not in (letters.lower(), letters.upper()) and letters != checksum(address)[2:]:
        raise InputError("wallet.recipient", reason="checksum")
    if address == ZERO_ADDRESS:
        raise InputError("wallet.recipient", reason="the zero address")
    return address
