"""Digests and hashes of messages against eth-account and eth-abi."""

from __future__ import annotations

from typing import Any

from eth_abi import encode
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from pywallet import crypto, protocol
from pywallet.protocol import (
    Domain,
    Message,
    StatementLine,
    digest,
    receipt_detail,
    sign,
    statement_lines_hash,
)

KINDS: list[type[Message]] = [
    protocol.Session,
    protocol.Ticket,
    protocol.Invocation,
    protocol.Receipt,
    protocol.Statement,
    protocol.Voucher,
    protocol.Claim,
    protocol.Sweep,
]
KEY = bytes(range(1, 33))
addresses = st.binary(min_size=20, max_size=20)
words = st.binary(min_size=32, max_size=32)


def of(kind: str) -> st.SearchStrategy[Any]:
    """Values of a Solidity type."""
    if kind.startswith("uint"):
        return st.integers(0, (1 << int(kind[4:])) - 1)
    return addresses if kind == "address" else words


@given(
    st.sampled_from(KINDS).flatmap(lambda kind: st.builds(kind, *map(of, kind.TYPES))),
    st.integers(1, (1 << 256) - 1),
    addresses,
)
def test_digest_and_signature_agree_with_eth_account(message: Message, chain_id: int, settlement: bytes) -> None:
    """A digest or signature would differ from eth-account's."""
    kind = type(message)
    fields = [{"name": name, "type": of} for name, of in zip(kind.wire_names(), kind.TYPES, strict=True)]
    values = {
        name: "0x" + value.hex() if of == "address" else value
        for name, of, value in zip(kind.wire_names(), kind.TYPES, vars(message).values(), strict=True)
    }
    domain = {
        "name": "GoMAA Settlement",
        "version": "1",
        "chainId": chain_id,
        "verifyingContract": "0x" + settlement.hex(),
    }
    signable = encode_typed_data(domain, {kind.__name__: fields}, values)
    ours = Domain(chain_id, settlement)
    assert digest(message, ours) == bytes(_hash_eip191_message(signable))
    assert sign(message, ours, KEY).signature == bytes(Account.sign_message(signable, KEY).signature)


counts = st.integers(0, (1 << 64) - 1)


@given(addresses, words, counts, counts, counts, counts, words)
def test_receipt_detail_is_abi_encoded(
    content: bytes, session: bytes, plays: int, seeks: int, seconds: int, n: int, last: bytes
) -> None:
    """Receipt.detail would differ from abi.encode."""
    kinds = ["address", "bytes32", "uint256", "uint256", "uint256", "uint256", "bytes32"]
    packed = encode(kinds, ["0x" + content.hex(), session, plays, seeks, seconds, n, last])
    assert receipt_detail(content, session, plays, seeks, seconds, n, last) == crypto.keccak256(packed)


@given(
    st.lists(
        st.builds(StatementLine, counts, addresses, words, counts, counts, counts), unique_by=lambda line: line.number
    ),
    st.randoms(),
)
def test_statement_lines_are_abi_encoded_in_order(lines: list[StatementLine], random: Any) -> None:
    """Statement.lines would depend on the order of the lines, or differ from abi.encode."""
    kinds = ["uint256", "address", "bytes32", "uint256", "uint256", "uint256"]
    packed = b"".join(
        encode(kinds, [line.number, "0x" + line.content.hex(), line.session, line.intervals, line.price, line.reward])
        for line in sorted(lines, key=lambda line: line.number)
    )
    random.shuffle(lines)
    assert statement_lines_hash(lines) == crypto.keccak256(packed)
