"""Platform functions of CPython against other libraries."""

from __future__ import annotations

from Crypto.Hash import keccak
from eth_keys.backends.native.main import NativeECCBackend
from eth_keys.datatypes import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from pywallet import crypto
from pywallet.crypto.interface import ORDER

keys = st.integers(1, ORDER - 1).map(lambda n: n.to_bytes(32, "big"))


@given(st.binary(max_size=500))
def test_keccak_agrees_with_pycryptodome(data: bytes) -> None:
    """The two keccak libraries would differ."""
    assert crypto.keccak256(data) == keccak.new(digest_bits=256, data=data).digest()


@given(keys, st.binary(min_size=32, max_size=32))
def test_keys_and_signatures_agree_with_eth_keys(key: bytes, digest: bytes) -> None:
    """libsecp256k1 would differ from eth-keys."""
    other = PrivateKey(key, backend=NativeECCBackend())
    theirs = other.sign_msg_hash(digest).to_bytes()
    assert crypto.public_key(key) == other.public_key.to_bytes()
    assert crypto.sign(key, digest) == theirs[:64] + bytes([27 + theirs[64]])
    assert crypto.recover(digest, crypto.sign(key, digest)) == other.public_key.to_canonical_address()
