"""Parsing of policies from maps and TOML."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import GomaaError, InputError
from pywallet.policy import Policy

BASE: dict[str, Any] = {
    "permissions": ["play"],
    "price": {"interval_s": 30, "owner": 1, "reward": 2, "payer": "station"},
}

TOML = """
permissions = ["play", "pause", "seek"]
stations = ["radio.example"]
[price]
interval_s = 30
owner = "0.0100"
reward = "0.0020"
payer = "station"
[counts.play]
limit = 5
per_s = 604800
[lease]
window_s = 60
seconds = 600
invocations = 32
"""


def test_toml_amounts_are_exact() -> None:
    """An amount would be rounded."""
    policy = Policy.from_toml(TOML)
    assert (policy.price.owner, policy.price.reward) == (10**16, 2 * 10**15)
    assert policy.counts["play"].per_s == 604_800
    assert policy.lease is not None
    assert policy.lease.window_s == 60


def test_round_trip_keeps_the_hash() -> None:
    """A policy would have another hash after parsing."""
    policy = Policy.from_dict({**Policy.from_toml(TOML).to_dict(), "later": {"x": 1}})
    again = Policy.from_dict(cbor2.loads(policy.to_cbor()))
    assert again.hash == policy.hash
    assert again.extra["later"] == {"x": 1}


def test_hash_depends_on_every_term() -> None:
    """Two policies would have one hash."""
    assert Policy.from_dict({**BASE, "ttl_s": 10}).hash != Policy.from_dict({**BASE, "ttl_s": 11}).hash


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"permissions": "play"}, "permissions"),
        ({"permissions": ["fly"]}, "permissions"),
        ({"permissions": ["play", "play"]}, "permissions"),
        ({"price": {"interval_s": 30, "owner": 1}}, "price.reward"),
        ({"price": {"interval_s": 0, "owner": 1, "reward": 1}}, "price.interval_s"),
        ({"price": {"interval_s": 30, "owner": -1, "reward": 1}}, "price.owner"),
        ({"price": {"interval_s": 30, "owner": True, "reward": 1}}, "price.owner"),
        ({"price": {"interval_s": 30, "owner": 1, "reward": 1, "payer": "nobody"}}, "price.payer"),
        ({"price": {"interval_s": 30, "owner": 1, "reward": 1, "tip": 1}}, "price.tip"),
        ({"counts": {"play": {"limit": -1}}}, "counts.play.limit"),
        ({"counts": {"dance": {"limit": 1}}}, "counts.dance"),
        ({"listener": "me"}, "listener"),
        ({"ttl_s": 0}, "ttl_s"),
        ({"lease": {"window_s": 60}}, "lease.invocations"),
        ({"stations": [""]}, "stations"),
    ],
)
def test_malformed_policies_name_the_field(changes: dict[str, Any], field: str) -> None:
    """An error would not name the wrong field."""
    with pytest.raises(InputError) as e:
        Policy.from_dict({**BASE, **changes})
    assert (e.value.code, e.value.detail["field"]) == ("policy.malformed", field)


@pytest.mark.parametrize("amount", ["0.0000000000000000001", "abc", "NaN", "Infinity"])
def test_toml_amounts_must_be_whole_wei(amount: str) -> None:
    """An amount below one wei would be accepted."""
    with pytest.raises(InputError):
        Policy.from_toml(TOML.replace("0.0020", amount))


def test_unknown_critical_field_is_refused() -> None:
    """A critical field that this version does not know would be ignored."""
    assert Policy.from_dict({**BASE, "mood": "blue"}).extra["mood"] == "blue"
    with pytest.raises(InputError) as e:
        Policy.from_dict({**BASE, "mood": "blue", "crit": ["mood"]})
    assert e.value.code == "sps.header.critical"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["permissions", "price", "counts", "lease", "stations", "ttl_s", "crit"]), values)
)
def test_any_map_is_parsed_or_a_coded_error(raw: dict[str, Any]) -> None:
    """A malformed map would raise another exception."""
    try:
        Policy.from_dict({**BASE, **raw})
    except GomaaError as e:
        assert e.code in ("policy.malformed", "sps.header.critical")
