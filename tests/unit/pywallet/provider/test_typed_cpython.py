"""Typed data and personal texts against eth-account."""

from __future__ import annotations

import json
from typing import Any

from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_defunct, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from pywallet import crypto
from pywallet.provider import personal_digest, read_typed
from tests.budget import budget
from tests.unit.pywallet.provider.typed_strategy import KEY, typed


@budget()
@given(typed())
def test_typed_data_agree_with_eth_account(data: dict[str, Any]) -> None:
    """A digest or signature of random types would differ."""
    ours = read_typed(json.dumps(data), 31337)
    theirs = encode_typed_data(full_message=data)
    assert ours.digest == _hash_eip191_message(theirs)
    signature = crypto.sign(KEY, ours.digest)
    assert Account.recover_message(theirs, signature=signature).lower() == "0x" + crypto.address_of(KEY).hex()
    assert signature == Account.sign_message(theirs, KEY).signature


@given(st.binary(max_size=300))
def test_personal_texts_agree_with_eth_account(data: bytes) -> None:
    """EIP-191 version 0x45 would differ."""
    theirs = encode_defunct(data)
    assert personal_digest(data) == _hash_eip191_message(theirs)
    assert crypto.sign(KEY, personal_digest(data)) == Account.sign_message(theirs, KEY).signature
