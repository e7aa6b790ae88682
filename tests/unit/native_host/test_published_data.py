"""Published data that differ from the chain, and candidates of a scan."""

from __future__ import annotations

import pytest

from native_host.messaging import requests
from native_host.payments.published_data import MAX_STATIONS, Reader
from pywallet.encoding.hex import from_b64, to_hex
from pywallet.errors import GomaaError, InputError
from pywallet.settlement.published_data import HEAD
from tests.unit.native_host.recovery_world import (
    EPOCH,
    SERVER,
    STATION,
    WALLET,
    data,
    derived,
    payee,
)


@pytest.mark.parametrize("spoil", ["other bytes", "cut", "another epoch"])
def test_data_with_another_hash_are_refused(spoil: str) -> None:
    """With ``chain.mismatch``."""
    good = data(SERVER, EPOCH, (payee(STATION, EPOCH), 5))
    raw = good.encode()
    if spoil == "other bytes":
        raw = data(SERVER, EPOCH, (payee(STATION, EPOCH), 6)).encode()
    named = good.hash
    if spoil == "another epoch":
        other = data(SERVER, EPOCH + 1)
        raw, named = other.encode(), other.hash
    reader = Reader()
    for at in range(0, len(raw), 7):
        reader.feed(raw[at : at + 7] if spoil != "cut" else raw[at : at + 7][: max(0, len(raw) - 1 - at)])
    with pytest.raises(GomaaError) as caught:
        reader.end(SERVER, EPOCH, named)
    assert caught.value.code == "chain.mismatch"


@pytest.mark.parametrize("rows", [(1 << 32) - 1, MAX_STATIONS + 1])
def test_a_table_above_the_limits_is_refused(rows: int) -> None:
    """Before its rows are read."""
    raw = bytearray(data(SERVER, EPOCH).encode())
    raw[HEAD.size : HEAD.size + 4] = rows.to_bytes(4, "big")
    reader = Reader()
    with pytest.raises(InputError):
        reader.feed(bytes(raw))


def test_candidates_are_whole_days() -> None:
    """24 payees of 20 bytes each; anything else is refused by the schema."""
    one = derived({"station": to_hex(STATION), "day": 3})
    assert len(from_b64(one["payees"])) == 480
    request = {"op": "scan", "wallet": to_hex(WALLET), "chain_id": 1, "candidates": [one]}
    assert requests.parse(request).candidates[0].day == 3
    for wrong in (one["payees"][:-4], one["payees"] + "AAAA", "=" * 640):
        with pytest.raises(InputError):
            requests.parse({**request, "candidates": [{**one, "payees": wrong}]})
