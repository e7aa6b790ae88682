"""Time to read and check a header in CPython and Pyodide, beside libraries that only decode and verify."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import cbor2
from btclib_secp256k1 import recovery
from Crypto.Hash import keccak

from benchmarks.figure import Figure
from benchmarks.header_song import SEGMENTS, interleaved
from benchmarks.scale import scaled

ROOT: Final = Path(__file__).resolve().parents[1]
LONG: Final = scaled(18_000, 200)
"""Segments of ten hours."""


def run() -> list[dict[str, Any]]:
    """Measure; two figures."""
    interleaved(3, 20)
    here = interleaved(scaled(31, 1), scaled(20, 1), other=libraries)
    long = interleaved(scaled(5, 1), 1, LONG, libraries)
    subprocess.run((sys.executable, ROOT / "tests" / "pyodide" / "run.py", "--wheels"), check=True)
    done = subprocess.run(
        ("node", ROOT / "benchmarks" / "header.mjs"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        # Node prints the line of Pyodide's source that threw, a megabyte: the cause is Python's last line.
        causes = [line for line in done.stderr.splitlines() if "Error" in line and len(line) < 300]
        raise RuntimeError(causes[0] if causes else f"node ended with {done.returncode}")
    there = json.loads(done.stdout.strip().splitlines()[-1])
    what = {"what": f"{SEGMENTS} segments, {here['bytes']} bytes: signature, strict CBOR, every field, Merkle root"}
    ten_hours = {
        "ours_ms": round(long["ours"], 1),
        "peer_ms": round(long["peer"], 1),
        "segments": LONG,
        "bytes": long["bytes"],
    }
    return [
        _figure("header_parse", here, "cbor2.loads + libsecp256k1", {**what, "ten_hours": ten_hours}),
        _figure("header_parse_pyodide", there, "cbor2.loads + the same recovery, in Pyodide", what),
    ]


def _figure(name: str, result: dict[str, float], peer: str, detail: dict[str, Any]) -> dict[str, Any]:
    return Figure(name, round(result["ours"], 3), "ms", peer, round(result["peer"], 3), "lower", detail).to_json()


def libraries(cose: bytes) -> None:
    """Decode and verify with the libraries as they are, no other check."""
    protected, _, payload, signature = cbor2.loads(cose).value
    content = cbor2.loads(payload)["content"]
    digest = sha256(
        cbor2.dumps(["Signature1", protected, b"\x89SPS\r\n\x1a\n" + content, payload], canonical=True)
    ).digest()
    owner = cbor2.loads(protected)[4]
    for parity in (0, 1):
        key = bytes(recovery.recover(digest, signature, parity, compressed=False))
        if keccak.new(digest_bits=256, data=key[1:]).digest()[12:] == owner:
            return
    raise ValueError("signature")
