"""Write messages.json with eth-account: digests and signatures that ours must equal.

``python tests/vectors/eip712/make.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data

# The types again, by hand from docs/protocol.md: a vector must not come from the code it checks.
TYPES = {
    "Session": "address station,address listener,address device,address payee,uint64 notBefore,uint64 notAfter",
    "Ticket": (
        "address server,address station,address content,bytes32 session,uint32 number,uint128 price,uint128 "
        "reward,uint16 bps,uint64 expiry"
    ),
    "Invocation": "bytes32 session,bytes32 ticket,address content,uint8 action,uint64 position,uint64 "
    "sequence,uint64 time",
    "Receipt": "address server,uint256 epoch,address payee,uint256 amount,bytes32 detail",
    "Statement": "address server,address payer,uint256 epoch,uint256 spent,bytes32 lines",
    "Voucher": "address server,address payer,uint256 cap,uint256 until",
    "Claim": "address server,uint256 epoch,address payee,address to,uint256 tip",
}
KEY = bytes(range(1, 33))
DOMAINS = ((31337, "0x" + "5e" * 20), (1, "0x" + "00" * 19 + "01"))
FILLS = ("zero", "middle", "most")


def value(kind: str, fill: str, place: int) -> Any:
    """A value of a Solidity type: all zero, something in between, or the greatest."""
    if kind.startswith("uint"):
        bits = int(kind[4:])
        return {"zero": 0, "middle": (1 << bits // 2) + place, "most": (1 << bits) - 1}[fill]
    size = 20 if kind == "address" else 32
    return "0x" + {"zero": bytes(size), "middle": bytes(range(place, place + size)), "most": b"\xff" * size}[fill].hex()


def vectors() -> list[dict[str, Any]]:
    """Every message in every domain with every fill."""
    out = []
    for name, text in TYPES.items():
        fields = [dict(zip(("type", "name"), part.split(), strict=True)) for part in text.split(",")]
        for chain_id, settlement in DOMAINS:
            for fill in FILLS:
                message = {field["name"]: value(field["type"], fill, i) for i, field in enumerate(fields)}
                domain = {
                    "name": "GoMAA Settlement",
                    "version": "1",
                    "chainId": chain_id,
                    "verifyingContract": settlement,
                }
                signable = encode_typed_data(domain, {name: fields}, message)
                out.append(
                    {
                        "type": name,
                        "chain_id": chain_id,
                        "settlement": settlement,
                        "message": {k: str(v) if isinstance(v, int) else v for k, v in message.items()},
                        "digest": "0x" + _hash_eip191_message(signable).hex(),
                        "signature": "0x" + bytes(Account.sign_message(signable, KEY).signature).hex(),
                    }
                )
    return out


if __name__ == "__main__":
    data = {
        "key": "0x" + KEY.hex(),
        "signer": Account.from_key(KEY).address.lower(),
        "types": TYPES,
        "vectors": vectors(),
    }
    Path(__file__).with_name("messages.json").write_text(json.dumps(data, indent=1) + "\n")
