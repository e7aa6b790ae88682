"""Signing requests of sites: each is parsed for display, then signed from the same text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from pywallet.crypto import sign
from pywallet.encoding.hex import checksum, from_hex, to_hex
from pywallet.errors import InputError
from pywallet.provider import TypedData, argument_tree, personal_digest, read_call, read_personal, read_typed, view_of
from pywallet.wallet.derivation import account_path
from pywallet.worker_api import wallet
from pywallet.worker_api.accounts import MOST_ACCOUNTS
from pywallet.worker_api.fields import Payload

_MAX_INT: Final = (1 << 53) - 1


def _typed(payload: Payload) -> TypedData:
    own = [from_hex(text, 20) for text in payload.texts("own")]
    return read_typed(payload.text("data"), payload.integer("chain_id", 1, _MAX_INT), own)


async def typed_read(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{data (JSON text), chain_id, own: [settlement…]} → the fields of pywallet.provider.TypedDataView, and digest.

    domain and message are trees {name, type, value | parts}. Errors message.schema, wallet.unsupported.
    """
    data = _typed(payload)
    return {**asdict(view_of(data)), "digest": to_hex(data.digest)}


async def typed_sign(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{index, data, chain_id, own} → {signature}. Parses the text again. Errors also wallet.locked."""
    return {"signature": _signed(payload, _typed(payload).digest)}


async def personal_read(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Parse an EIP-191 message, and an EIP-4361 sign-in in it.

    Args:
        payload: data, origin, account, chain_id, optional now_s.
        blob: Not used.

    Returns:
        text (or null), hex, hidden, sign_in {domain, uri, nonce, wrong […]} (or null).
    """
    account, chain_id = payload.address("account"), payload.integer("chain_id", 1, _MAX_INT)
    now_s = payload.integer("now_s", 0, _MAX_INT) if payload.has("now_s") else None
    read = read_personal(payload.text("data"), payload.text("origin"), account, chain_id, now_s)
    sign_in = None if read.sign_in is None else {**asdict(read.sign_in), "wrong": list(read.sign_in.wrong)}
    return {"text": read.text, "hex": to_hex(read.data), "hidden": read.hidden, "sign_in": sign_in}


async def personal_sign(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{index, hex} → {signature}: of exactly the bytes that were read. Errors wallet.locked, message.schema."""
    return {"signature": _signed(payload, personal_digest(from_hex(payload.text("hex"))))}


async def call_read(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Decode a contract call (pywallet.provider.calls).

    Args:
        payload: data (hex), standard, account.
        blob: Not used.

    Returns:
        kind, other (EIP-55), amount, item (null where there is none), unlimited, method, arguments (trees {name, type,
        value | parts}).
    """
    call = read_call(from_hex(payload.text("data")), payload.text("standard"), payload.address("account"))
    return {
        "kind": call.kind,
        "other": None if call.other is None else checksum(call.other),
        "amount": None if call.amount is None else str(call.amount),
        "item": None if call.item is None else str(call.item),
        "unlimited": call.unlimited,
        "method": to_hex(call.method),
        "arguments": [argument_tree(argument.name, argument.kind, argument.value) for argument in call.arguments],
    }


def _signed(payload: Payload, digest: bytes) -> str:
    keys = wallet.keyring()
    index = payload.integer("index", 0, MOST_ACCOUNTS - 1)
    # Only the account that was displayed.
    if payload.has("account") and payload.address("account") != keys.account_at(index):
        raise InputError("message.schema", field="account", reason="not this wallet's")
    return to_hex(sign(keys.private_key(account_path(index)), digest))


OPS: Final[dict[str, wallet.Handler]] = {
    "typed.read": typed_read,
    "typed.sign": typed_sign,
    "personal.read": personal_read,
    "personal.sign": personal_sign,
    "call.read": call_read,
}
