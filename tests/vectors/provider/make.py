"""Write typed.json with eth-account: typed data, digests and signatures that ours must equal.

``python -m tests.vectors.provider.make``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_defunct, encode_typed_data
from hypothesis import Phase, given, settings

from tests.unit.pywallet.provider.typed_strategy import KEY, typed

COUNT = 40


def vectors() -> dict[str, Any]:
    """The same each time: the strategy is followed without chance."""
    found: list[dict[str, Any]] = []

    @settings(max_examples=COUNT, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(typed())
    def collect(data: dict[str, Any]) -> None:
        message = encode_typed_data(full_message=data)
        signature = Account.sign_message(message, KEY).signature.hex()
        found.append({"data": data, "digest": _hash_eip191_message(message).hex(), "signature": signature})

    collect()
    texts = []
    for data in (b"", b"hello", "é 世界".encode(), bytes(range(256)), b"x" * 1000):
        message = encode_defunct(data)
        texts.append(
            {
                "data": data.hex(),
                "digest": _hash_eip191_message(message).hex(),
                "signature": Account.sign_message(message, KEY).signature.hex(),
            }
        )
    return {"key": KEY.hex(), "typed": found, "personal": texts}


if __name__ == "__main__":
    (Path(__file__).parent / "typed.json").write_text(json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n")
