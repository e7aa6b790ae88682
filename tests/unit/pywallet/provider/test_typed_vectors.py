"""Recorded signatures of eth-account and of MetaMask's tests, on any platform."""

from __future__ import annotations

import json
from pathlib import Path

from pywallet.crypto import keccak256, sign
from pywallet.provider import personal_digest, read_typed
from tests.unit.pywallet.provider.typed_samples import mail

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "provider" / "typed.json").read_text())
KEY = bytes.fromhex(VECTORS["key"])
# EIP-712's example, signed by the standard's own key; a text and a key of MetaMask's eth-sig-util.
MAIL_SIGNATURE = "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c"  # noqa: E501
HELLO_KEY = "4af1bceebf7f3634ec3cff8a2c38e51178d5d4ce585c52d6043e5e2cc3418bb0"
HELLO_SIGNATURE = "90a938f7457df6e8f741264c32697fc52f9a8f867c52dd70713d9d2d472f2e415d9c94148991bbe1f4a1818d1dff09165782749c877f5cf1eff4ef126e55714d1c"  # noqa: E501


def test_typed_data_is_signed_as_recorded() -> None:
    """A digest or signature would differ from the recorded one."""
    assert len(VECTORS["typed"]) >= 30
    for case in VECTORS["typed"]:
        digest = read_typed(json.dumps(case["data"]), 31337).digest
        assert digest.hex() == case["digest"]
        assert sign(KEY, digest).hex() == case["signature"]


def test_texts_are_signed_as_recorded() -> None:
    """A text or other bytes would be signed otherwise."""
    for case in VECTORS["personal"]:
        digest = personal_digest(bytes.fromhex(case["data"]))
        assert digest.hex() == case["digest"]
        assert sign(KEY, digest).hex() == case["signature"]


def test_signatures_of_other_wallets() -> None:
    """A signature would differ from EIP-712's and MetaMask's examples."""
    assert sign(keccak256(b"cow"), read_typed(mail(), 1).digest).hex() == MAIL_SIGNATURE
    assert sign(bytes.fromhex(HELLO_KEY), personal_digest(b"Hello, world!")).hex() == HELLO_SIGNATURE
