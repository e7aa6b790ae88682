"""Write the vectors again: ``python -m tests.vectors.sps.make``; with ``--check`` only say whether they would change.

Keys and nonces are fixed, so the bytes never change.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pywallet.crypto import keccak256
from pywallet.sps import segment_aad, segment_key
from tests.vectors.sps import reader_encoding, reader_page
from tests.vectors.sps.case import Case
from tests.vectors.sps.cases import every
from tests.vectors.sps.raw import OWNER, OWNER_KEY, encode
from tests.vectors.sps.song import CLEAR, CONTENT, CONTENT_KEYS, epoch_of, file, smallest

HERE = Path(__file__).parent


def song() -> str:
    """A whole file with all its keys."""
    keys = [segment_key(CONTENT_KEYS[epoch_of(i)], 1, i) for i in range(len(CLEAR))]
    aads = [segment_aad(CONTENT, 1, epoch_of(i), i) for i in range(len(CLEAR))]
    value = {
        "owner_key": OWNER_KEY.hex(),
        "owner": OWNER.hex(),
        "content": CONTENT.hex(),
        "content_keys": {str(epoch): key.hex() for epoch, key in CONTENT_KEYS.items()},
        "policy_hash": keccak256(encode(smallest()["policy"])).hex(),
        "segments": [
            {"key": k.hex(), "aad": a.hex(), "clear": c.hex()} for k, a, c in zip(keys, aads, CLEAR, strict=True)
        ],
        "file": file(smallest()).hex(),
    }
    return json.dumps(value, indent=1) + "\n"


def cases() -> str:
    """Every case on a line of its own."""
    return "[\n" + ",\n".join(json.dumps(_json(case)) for case in every()) + "\n]\n"


def _json(case: Case) -> dict[str, Any]:
    # The few long ones are long by repetition.
    data = {"zlib": _b64(zlib.compress(case.data, 9))} if len(case.data) > 5_000 else {"data": _b64(case.data)}
    more = case.more | ({"place": _place(case.data)} if case.kind == "page" else {})
    return {"kind": case.kind, "name": case.name, "code": case.code, **_plain(more), **data}


def _place(page: bytes) -> list[Any] | None:
    """A page's song: offset, length, the places to put back; None where it has none."""
    try:
        return list(reader_page.find_song(page))
    except reader_encoding.Refused:
        return None


def _plain(value: Any) -> Any:
    """Base64 for bytes, at any depth."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return _b64(value) if isinstance(value, bytes) else value


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def stale() -> Iterator[Path]:
    """The files that are not what this script writes, written now unless ``--check``."""
    for name, text in (("song.json", song()), ("cases.json", cases())):
        path = HERE / name
        if not path.exists() or path.read_text() != text:
            if "--check" not in sys.argv:
                path.write_text(text)
            yield path


if __name__ == "__main__":
    changes = [path.name for path in stale()]
    print(f"{', '.join(changes)} changed" if changes else "nothing changed")
    sys.exit(bool(changes) and "--check" in sys.argv)
