"""Operations on accounts, amounts and token transfers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywallet.errors import GomaaError
from pywallet.worker_api import call, wallet

WORDS = "test test test test test test test test test test test junk"
# The first three accounts of the well-known test words, as every wallet shows them.
ACCOUNTS = (
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
)
RECORDED: Any = json.loads((Path(__file__).parents[3] / "vectors" / "transactions.json").read_text())["cases"][0]
SENT = {
    "index": 1,
    "chain_id": 31337,
    "nonce": 7,
    "gas": 60_000,
    "tip_wei": "1",
    "max_fee_wei": "1000000007",
    "to": "0x" + "5e" * 20,
    "data": "0xa9059cbb",
}


@pytest.fixture(autouse=True)
def _locked() -> Iterator[None]:
    wallet._open = None
    yield
    wallet._open = None


async def failing(op: str, payload: dict[str, Any]) -> str:
    """The code with which an operation fails."""
    with pytest.raises(GomaaError) as caught:
        await call(op, payload)
    return caught.value.code


async def test_accounts_are_those_of_other_wallets() -> None:
    """An account would differ from that of other wallets."""
    await wallet._unlock(WORDS)
    found = [await call("account", {"index": index}) for index in range(3)]
    assert [one["checksum"] for one in found] == list(ACCOUNTS)
    assert [one["account"] for one in found] == [address.lower() for address in ACCOUNTS]
    assert (await call("wallet.status", {}))["account"] == ACCOUNTS[0].lower()
    assert await failing("account", {"index": 100}) == "message.schema"


async def test_a_locked_wallet_signs_nothing() -> None:
    """A locked wallet would derive an account or sign."""
    assert await failing("account", {"index": 0}) == "wallet.locked"
    assert await failing("transaction.sign", SENT) == "wallet.locked"


async def test_a_transaction_is_signed_by_the_requested_account() -> None:
    """Another account would sign."""
    await wallet._unlock(WORDS)
    made = await call("transaction.sign", SENT)
    assert made == {"raw": RECORDED["raw"], "transaction": RECORDED["hash"], "account": ACCOUNTS[1].lower()}
    assert (await call("transaction.sign", {**SENT, "index": 0}))["raw"] != made["raw"]


@pytest.mark.parametrize(
    "change",
    [
        {"tip_wei": "2000000000"},
        {"gas": 20_999},
        {"to": "0x12"},
        {"data": "transfer"},
        {"nonce": -1},
        {"chain_id": 0},
        {"value_wei": str(1 << 256)},
        {"max_fee_wei": 1},
    ],
)
async def test_other_fields_are_refused(change: dict[str, Any]) -> None:
    """A malformed field would be signed."""
    await wallet._unlock(WORDS)
    assert await failing("transaction.sign", {**SENT, **change}) == "message.schema"


async def test_amounts_and_recipients_are_exact() -> None:
    """An amount would be rounded, or a recipient returned without checksum."""
    assert await call("amount", {"text": "0.000000000000000001"}) == {"amount_wei": "1"}
    assert await call("amount", {"text": " 123456789.5 "}) == {"amount_wei": "123456789500000000000000000"}
    for text in ("0", "0.0000000000000000001", "-1", "1e3", ""):
        assert await failing("amount", {"text": text}) == "message.schema"
    assert await failing("amount", {"text": "1,234"}) == "wallet.amount.ambiguous"
    for text in ("", " ", "0", "0,00", "0.0 GoMAA"):
        assert await call("amount", {"text": text, "zero": True}) == {"amount_wei": "0"}
    assert await failing("amount", {"text": "12,000", "zero": True}) == "wallet.amount.ambiguous"
    assert (await call("recipient", {"text": ACCOUNTS[2].lower()}))["checksum"] == ACCOUNTS[2]
    assert await failing("recipient", {"text": ACCOUNTS[2].replace("C44", "c44")}) == "wallet.recipient"
    data = (await call("transfer", {"to": ACCOUNTS[2].lower(), "amount_wei": "1"}))["data"]
    assert data == "0xa9059cbb" + ACCOUNTS[2].lower()[2:].rjust(64, "0") + "1".rjust(64, "0")
