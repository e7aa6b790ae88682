"""``receipts``.

Receipts verified per second and core, beside bare signature recovery by libsecp256k1 in the same run.
"""

from __future__ import annotations

import time
from typing import Any, Final

from btclib_secp256k1 import recovery

from benchmarks.figure import Figure, median
from benchmarks.scale import scaled
from pywallet.crypto import address_of, keccak256
from pywallet.protocol import (
    Domain,
    Receipt,
    digest,
    require_signer,
    sign,
)

COUNT: Final = scaled(2_000, 20)
ROUNDS: Final = scaled(5, 1)
_DOMAIN: Final = Domain(31337, b"\x55" * 20)


def run() -> list[dict[str, Any]]:
    """EIP-712 digest, recovery and comparison of a parsed receipt; the peer recovers from ready digests.

    Rounds alternate.
    """
    key = keccak256(b"server")
    server = address_of(key)
    signed = [
        sign(Receipt(server, 7, keccak256(bytes([n % 251]))[:20], n, keccak256(b"detail")), _DOMAIN, key)
        for n in range(COUNT)
    ]
    ready = [(one.signature[:64] + bytes([one.signature[64] - 27]), digest(one.message, _DOMAIN)) for one in signed]
    ours, bare = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        for one in signed:
            require_signer(one, _DOMAIN, server, "server.mismatch")
        ours.append(COUNT / (time.process_time() - start))
        start = time.process_time()
        for signature, hashed in ready:
            recovery.recover(hashed, signature[:64], signature[64])
        bare.append(COUNT / (time.process_time() - start))
    figure = Figure(
        "receipts",
        median(ours),
        "receipts/s/core",
        "bare libsecp256k1 recovery",
        median(bare),
        "higher",
        {"rounds": ROUNDS},
    )
    return [figure.to_json()]
