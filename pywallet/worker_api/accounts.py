"""Operations on accounts, amounts and token transfers."""

from __future__ import annotations

from typing import Any, Final

from pywallet.crypto import address_of, keccak256
from pywallet.encoding import amounts
from pywallet.encoding.hex import checksum, from_hex, to_hex
from pywallet.errors import InputError
from pywallet.wallet.derivation import account_path, listener_path
from pywallet.wallet.transactions import Transaction, recipient, transfer_data
from pywallet.worker_api import wallet
from pywallet.worker_api.fields import Payload

MOST_ACCOUNTS: Final = 100
_MAX_INT: Final = (1 << 53) - 1
_MAX_WORD: Final = (1 << 256) - 1


async def account(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{index} → {index, account, checksum}. The address at m/44'/60'/0'/0/index. Error wallet.locked."""
    index = payload.integer("index", 0, MOST_ACCOUNTS - 1)
    address = wallet.keyring().account_at(index)
    return {"index": index, "account": to_hex(address), "checksum": checksum(address)}


async def check_recipient(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{text} → {account, checksum}. Error wallet.recipient for what is no address or mistyped."""
    address = recipient(payload.text("text"))
    return {"account": to_hex(address), "checksum": checksum(address)}


async def parse_amount(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{text, zero?} → {amount_wei}: parse an amount in GoMAA; with ``zero``, 0 and an empty text are valid.

    Errors message.schema, wallet.amount.ambiguous (with the readings ``thousands`` and ``decimals``).
    """
    text, zero = payload.text("text"), payload.flag("zero")
    amount = amounts.parse(text if text.strip() or not zero else "0")
    if not int(not zero) <= amount <= _MAX_WORD:
        raise InputError("message.schema", field="amount", reason="above zero")
    return {"amount_wei": str(amount)}


async def transfer(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{to, amount_wei} → {data}: call data of an ERC-20 transfer, for the host to simulate."""
    return {"data": to_hex(transfer_data(payload.address("to"), payload.amount("amount_wei")))}


async def sign_transaction(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Sign an EIP-1559 transaction of account ``index``, or of the wallet's key for ``station``.

    Args:
        payload: index or station, chain_id, nonce, gas, tip_wei, max_fee_wei, to, data; optional value_wei.
        blob: Not used.

    Returns:
        raw, transaction (its hash), account.

    Raises:
        WalletError: ``wallet.locked``.
        InputError: ``message.schema``.
    """
    keys = wallet.keyring()
    station = payload.address("station") if payload.has("station") else None
    path = listener_path(station) if station else account_path(payload.integer("index", 0, MOST_ACCOUNTS - 1))
    built = Transaction(
        chain_id=payload.integer("chain_id", 1, _MAX_INT),
        nonce=payload.integer("nonce", 0, _MAX_INT),
        tip=_word(payload, "tip_wei"),
        max_fee=_word(payload, "max_fee_wei"),
        gas=payload.integer("gas", 21_000, 1 << 32),
        to=payload.address("to"),
        value=_word(payload, "value_wei", 0),
        data=from_hex(payload.text("data")),
    )
    if built.tip > built.max_fee:
        raise InputError("message.schema", field="tip_wei", reason="above max_fee_wei")
    private = keys.private_key(path)
    raw = built.signed(private)
    return {"raw": to_hex(raw), "transaction": to_hex(keccak256(raw)), "account": to_hex(address_of(private))}


def _word(payload: Payload, name: str, default: int | None = None) -> int:
    value = payload.amount(name, default)
    if value > _MAX_WORD:
        raise InputError("message.schema", field=name, reason="above 2^256")
    return value


OPS: Final[dict[str, wallet.Handler]] = {
    "account": account,
    "recipient": check_recipient,
    "amount": parse_amount,
    "transfer": transfer,
    "transaction.sign": sign_transaction,
}
