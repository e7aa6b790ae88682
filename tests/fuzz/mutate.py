"""Mutations of bytes: blind ones, ones that keep CBOR valid, and ones that enlarge an input."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import cbor2

MAX_INPUT: Final = 4 << 20
_NUMBERS: Final = [
    0,
    1,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 63) - 1,
    1 << 64,
    1 << 96,
    -1,
    -256,
]
_BYTES: Final = [
    b"\0",
    b"\xff",
    b"\x80",
    b"\x9f",
    b"\xbf",
    b"\x5f",
    b"\x7f",
    b"\xf9\x7e\0",
    b"\xc2\x40",
    b"\xd8\x1c",
    b"\x1b" + b"\xff" * 8,
    b"\x9b" + b"\x7f" * 8,
]
_OTHER: Final[list[Any]] = [
    None,
    True,
    False,
    "",
    "x",
    "play",
    b"",
    bytes(20),
    bytes(32),
    [],
    {},
    1.5,
    ["a", "a"],
    {"a": 1},
]


def mutate(random: Random, pool: list[bytes]) -> bytes:
    """Return an input made from one or two of ``pool``."""
    data = random.choice(pool)
    if random.random() < 0.4 and (whole := _structured(random, data)) is not None:
        return whole
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        data = _blind(random, data, pool)
    return data


def bloat(random: Random, pool: list[bytes]) -> bytes:
    """Repeat one part up to 4 MiB, to test time and memory."""
    data = random.choice(pool)
    at = random.randrange(len(data) + 1)
    part = random.choice(
        (
            b"\x80",
            b"\x81",
            b"\xa0",
            b"\0",
            b"\x61a",
            b"[",
            b"{",
            b'{"a":',
            b"[[a]]\n",
            b"a.",
            data[at : at + 60] or b"\0",
        )
    )
    count = random.randrange(1, random.choice((1_000, 100_000, MAX_INPUT)) // len(part) + 2)
    if random.random() < 0.5:
        # Lists within every bound of one list, as many as fit.
        rows = (b"\x9a" + (min(count, 100_000)).to_bytes(4, "big") + part * min(count, 100_000))[:MAX_INPUT]
        lists = min(20, MAX_INPUT // len(rows))
        return bytes([0x80 | lists]) + rows * lists
    head = random.choice(
        (b"", b"\x9a" + count.to_bytes(4, "big"), b"\x5a" + (count * len(part)).to_bytes(4, "big"), data[:at], b"a=")
    )
    return (head + part * count)[:MAX_INPUT]


def _blind(random: Random, data: bytes, pool: list[bytes]) -> bytes:
    at, width = random.randrange(len(data) + 1), random.choice((1, 1, 2, 4, 8, 33))
    match random.randrange(8):
        case 0 if at < len(data):
            return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
        case 1:
            return data[:at] + random.randbytes(width) + data[at + width :]
        case 2:
            return data[:at] + random.choice(_BYTES) + data[at:]
        case 3:
            return data[:at] + data[at + width :]
        case 4:
            return data[: at + width] + data[at:]
        case 5:
            return data[:at]
        case 6:
            other = random.choice(pool)
            return data[:at] + other[random.randrange(len(other) + 1) :]
        case _:
            if at < len(data):
                return data[:at] + bytes([(data[at] + random.choice((1, 255, 32, 224))) & 255]) + data[at + 1 :]
            return data + random.randbytes(width)


def _structured(random: Random, data: bytes) -> bytes | None:
    """Replace, remove, double or move one node of the decoded CBOR."""
    try:
        value = cbor2.loads(data)
        holders = _holders(value)
        if not holders:
            return None
        holder = random.choice(holders)
        _change(random, holder)
        return cbor2.dumps(value, canonical=random.random() < 0.9)
    except (ValueError, TypeError, OverflowError, RecursionError, EOFError, LookupError):
        # Blind mutations may have kept an input that no general decoder accepts.
        return None


def _holders(value: Any) -> list[Any]:
    out: list[Any] = []
    waiting = [value]
    while waiting and len(out) < 500:
        item = waiting.pop()
        if isinstance(item, (list, dict)) and item:
            out.append(item)
            waiting += item.values() if isinstance(item, dict) else item
    return out


def _change(random: Random, holder: Any) -> None:
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    key = random.choice(keys)
    kind = random.randrange(6)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif kind == 1:
        holder[random.choice(("crit", "mood", "v", "x" * 300))] = random.choice((["crit"], ["mood"], 1, holder[key]))
    elif kind == 2:
        holder[key] = holder[random.choice(keys)]
    elif kind == 3:
        holder[key] = random.choice(_NUMBERS)
    elif kind == 4 and isinstance(holder[key], int):
        holder[key] += random.choice((-1, 1, 256, -holder[key]))
    else:
        holder[key] = random.choice(_OTHER)
