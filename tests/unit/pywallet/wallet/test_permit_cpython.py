"""The token's permits against eth-account."""

from __future__ import annotations

from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from chain.abi import function
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.wallet.permit import Permit, transfer_from_data

KEY = bytes(range(1, 33))
TYPES = {
    "Permit": [
        {"name": name, "type": of} for name, of in (("owner", "address"), ("spender", "address"), ("value", "uint256"))
    ]
}
TYPES["Permit"] += [{"name": name, "type": "uint256"} for name in ("nonce", "deadline")]
addresses = st.binary(min_size=20, max_size=20)
numbers = st.integers(0, (1 << 256) - 1)


@given(st.integers(1, 1 << 64), addresses, addresses, numbers, numbers, numbers)
def test_a_permit_agrees_with_eth_account(
    chain_id: int, token: bytes, spender: bytes, amount: int, nonce: int, deadline: int
) -> None:
    """Digest, signature or call data would differ from a general encoder."""
    owner = address_of(KEY)
    permit = Permit(chain_id, token, owner, spender, amount, nonce, deadline)
    domain = {"name": "GoMAA", "version": "1", "chainId": chain_id, "verifyingContract": to_hex(token)}
    values = {"owner": to_hex(owner), "spender": to_hex(spender), "value": amount, "nonce": nonce, "deadline": deadline}
    signable = encode_typed_data(domain, TYPES, values)
    signed = Account.sign_message(signable, KEY)

    assert permit.digest == bytes(_hash_eip191_message(signable))
    assert permit.sign(KEY) == bytes(signed.signature)
    words = (owner, spender, amount, deadline, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
    assert permit.data(permit.sign(KEY)) == function("GoMAA", "permit").encode(*words)
    assert transfer_from_data(owner, spender, amount) == function("GoMAA", "transferFrom").encode(
        owner, spender, amount
    )
