"""Classes of hosts, the same as in the extension's engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.address_class import (
    COMPUTER,
    INTERNET,
    NETWORK,
    place_of,
    place_of_url,
    standing_of_url,
)

HOSTS = json.loads((Path(__file__).parents[2] / "vectors" / "addresses.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "place"), [("computer", COMPUTER), ("network", NETWORK), ("internet", INTERNET)])
def test_every_form_of_a_host_has_its_class(name: str, place: int) -> None:
    """A form of an address would be classified otherwise than in the extension."""
    assert [host for host in HOSTS[name] if place_of(host) != place] == []
    assert [host for host in HOSTS[name] if "%" not in host and place_of_url(f"https://{host}:8443/a") != place] == []


@pytest.mark.parametrize(
    "host",
    [None, "", "1.2.3.4.5", "256.1.1.1.", "1.2.3.256", "0x1ffffffff", "08.1", "[::zz]", "fe80::1%eth0", "1.2.x.3"],
)
def test_other_forms_are_not_public(host: str | None) -> None:
    """A malformed address would count as public."""
    assert place_of(host) > INTERNET


@pytest.mark.parametrize(
    ("host", "place"),
    [
        *(
            (host, COMPUTER)
            for host in (
                "localhost",
                "LOCALHOST.",
                "a.localhost",
                "127.0.0.1",
                "[::1]",
                "[::ffff:127.0.0.1]",
                "0.0.0.0",
            )
        ),
        *(
            (host, NETWORK)
            for host in ("evil.localdomain", "localhost.localdomain", "ip6-localhost", "10.0.0.1", "nas.lan", "router")
        ),
        *((host, INTERNET) for host in ("radio.example", "1.2.x.3", "1.2.3.4.5", "0x7f.1", "")),
    ],
)
def test_an_origin_is_local_only_where_certain(host: str, place: int) -> None:
    """A name that the network may resolve would count as this computer."""
    assert standing_of_url(f"http://{host}:8080") == place
