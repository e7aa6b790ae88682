"""Write the corpus's first inputs from the vectors: ``python -m tests.fuzz.seed``.

Inputs that a run found are kept beside them.
"""

from __future__ import annotations

import base64
import json
import struct
from hashlib import sha256
from pathlib import Path

import cbor2

from tests.fuzz.targets import CORPUS
from tests.vectors.sps.pages import page
from tests.vectors.sps.raw import encode
from tests.vectors.sps.song import file, fullest, rendition, smallest, terms

CASES = Path(__file__).parents[1] / "vectors" / "sps" / "cases.json"
POLICIES = [
    {"permissions": [], "price": {"interval_s": 1, "owner": 0, "reward": 0, "payer": "nobody"}},
    {
        "permissions": ["play", "seek", "preview"],
        "counts": {"play": {"limit": 10, "per_s": 86_400}, "seek": {"limit": 3}},
        "ttl_s": 172_800,
        "not_before_s": 1_790_000_000,
        "expires_s": 1_890_000_000,
        "stations": ["radio.example", "*.example"],
        "price": {"interval_s": 30, "owner": 10**16, "reward": 1 << 70, "payer": "station"},
        "listener": "wallet",
        "lease": {"window_s": 600, "seconds": 3_600, "invocations": 100},
        "crit": ["lease"],
    },
]
_PRICE = '[price]\ninterval_s = 30\nowner = "0.0020"\nreward = "0.0005"\n'
TEXTS = [
    'permissions = ["play"]\nlistener = "any"\n' + _PRICE,
    'permissions = ["play", "transfer"]\nttl = "48 hours"\nexpires = 2027-01-31\nstart_by = 2027-01-31T20:00:00+01:00\n'
    + _PRICE
    + '[counts.play]\nlimit = 3\nunit = "timed"\nafter = "30 s"\n[child]\npermissions = ["play"]\n[child.price]\n'
    + 'interval_s = 30\nowner = "0"\nreward = "0"\n',
    'permissions = ["play", "seek"]\nstations = ["*"]\nttl_s = 60\n[counts]\nplay = { limit = 3, per_s = 9 }\n'
    + _PRICE,
]
FRAMES = [
    b'{"id":1,"op":"hello","version":1}',
    b'{"id":2,"op":"open","stream":"s","header":"AAAA","origin":"https://radio.example","key":[[{}]]}',
]


def main() -> None:
    """Write each target's seeds."""
    cases = [case for case in json.loads(CASES.read_text()) if "data" in case and case["code"] is None]
    signed = {
        kind: [base64.b64decode(c["data"]) for c in cases if c["kind"] == kind] for kind in ("header", "file", "live")
    }
    seeds = {
        "header": signed["header"][:3],
        "file": signed["file"][:2],
        "live": [*signed["live"][:2], *(cbor2.loads(data).value[2] for data in signed["live"][:2])],
        "page": [page(file(smallest())), page(file(smallest() | {"title": "one --> two"}))],
        "page_text": [b"1\0gA==\0ab\ncd\nef", b"\0\0" + "€\ufffd".encode()],
        "fields": [encode(smallest()), encode(fullest())],
        "index": [encode([rendition()]), encode(fullest()["renditions"])],
        "policy": [encode(value) for value in (*POLICIES, terms())],
        "policy_text": [text.encode() for text in TEXTS],
        "frame": [
            b"".join(struct.pack("=I", len(body)) + body for body in FRAMES),
            struct.pack("=I", 2) + b"{}" + struct.pack("=I", 1 << 20),
        ],
    }
    for name, inputs in seeds.items():
        for data in inputs:
            keep(name, data)


def keep(target: str, data: bytes) -> Path:
    """Store an input in the corpus under its hash."""
    path = CORPUS / target / sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


if __name__ == "__main__":
    main()
