"""The policy hash is that of the header's own bytes, in whatever command names it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from gomaa.cli import group
from pywallet.crypto import keccak256
from pywallet.encoding import cbor
from pywallet.encoding.hex import to_hex
from pywallet.policy import Policy
from pywallet.sps import MAGIC, Container, open_header
from pywallet.sps.cose import sign
from pywallet.sps.payload import to_map
from pywallet.sps.signed_header import CONTENT_TYPE
from studio.convert import ConvertResult
from studio.exploded import write
from studio.inspect import inspect
from studio.verify import verify
from tests.budget import budget
from tests.vectors.sps.raw import OWNER_KEY, encode
from tests.vectors.sps.song import CONTENT, fullest, header

PRICE = {"interval_s": 30, "owner": 1, "reward": 0}
OMITTING: list[dict[str, Any]] = [
    {"permissions": ["play"], "price": PRICE},
    {
        "permissions": ["play"],
        "price": {**PRICE, "payer": "station"},
        "stations": ["*"],
        "listener": "any",
        "tracking": "opt_in",
    },
    {
        "permissions": ["play"],
        "price": PRICE,
        "counts": {},
        "self_destruct": [],
        "concurrent": 1,
        "part": {},
        "crit": [],
    },
    {
        "permissions": ["play"],
        "price": PRICE,
        "counts": {"play": {"limit": 1, "unit": "start"}},
        "mood": [None, True, b"\0"],
    },
]


@pytest.mark.parametrize("terms", OMITTING)
def test_every_command_names_the_hash_of_the_headers_own_bytes(
    terms: dict[str, Any], make: Callable[..., ConvertResult], wav: Callable[..., Path], tmp_path: Path
) -> None:
    """Inspect, verify and policy check agree, of the file and of its folder.

    Filled-in defaults would hash to something else.
    """
    song = make(wav(np.zeros((3 * 44_100, 1), "<i2")))
    data = song.path.read_bytes()
    container = Container.read(data)
    payload = {**to_map(open_header(container.cose)), "policy": terms}
    cose = sign(cbor.dumps(payload), CONTENT_TYPE, MAGIC + payload["content"], OWNER_KEY)
    song.path.write_bytes(Container(cose).prefix() + data[container.body :])
    true = to_hex(keccak256(encode(terms)))
    assert true != to_hex(Policy.from_dict(terms).hash)
    folder = write(song.path, tmp_path / "parts").path
    for place in (song.path, folder):
        assert inspect(place)["policy_hash"] == true
        assert {check.name: check.value for check in verify(place)}["policy"] == true
        checked = CliRunner().invoke(group, ["policy", "check", str(place), "--json"])
        assert json.loads(checked.stdout) == {"ok": True, "policy_hash": true, "bytes": len(encode(terms))}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 64), (1 << 128) - 1) | st.binary(max_size=9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@budget()
@given(mood=VALUES)
def test_the_hash_is_that_of_the_bytes_whatever_stands_there(mood: Any) -> None:
    """Unknown fields of any kind included: the map that was read encodes to what was signed."""
    terms = {"permissions": ["play"], "price": PRICE, "mood": mood}
    signed = header(fullest() | {"policy": terms})
    assert encode(terms) in signed
    found = open_header(signed)
    assert (found.content, found.policy_hash) == (CONTENT, keccak256(encode(terms)))
