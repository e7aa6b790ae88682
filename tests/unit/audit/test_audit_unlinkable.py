"""Linking of one fan's records at two stations from public data is no better than chance.

The attacker also knows which payee was paid at which station, and fans have habits: who listens at one station in an
epoch listens at the other one too. The remaining differences are ids and times.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from pywallet.crypto import keccak256
from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.protocol import Domain, digest
from pywallet.wallet.keyring import Keyring
from security_server.epochs.settled_lines import play_tag

FANS, EPOCHS = 60, 24
STATIONS = (b"\x21" * 20, b"\x22" * 20)
DOMAIN = Domain(31337, b"\x55" * 20)


@dataclass(frozen=True)
class Record:
    """Public data of one fan at one station in one epoch; ``fan`` is the secret."""

    fan: int
    station: int
    epoch: int
    payee: bytes
    tags: tuple[bytes, ...]


Payee = Callable[[Keyring, bytes, int], bytes]
SCHEMES: dict[str, Payee] = {
    "fresh": lambda keys, station, epoch: keys.payee(station, epoch),
    "stable": lambda keys, station, epoch: keys.payee(station, 0),
    "shared": lambda keys, station, epoch: keys.payee(b"\x01" * 20, epoch),
}


@cache
def wallets() -> tuple[Keyring, ...]:
    """One wallet for each fan."""
    return tuple(Keyring(keccak256(b"fan %d" % fan) * 2) for fan in range(FANS))


@cache
def record(scheme: str) -> tuple[Record, ...]:
    """Records of all fans, with payees chosen by a function."""
    habits, out = random.Random(7), []
    for fan, keys in enumerate(wallets()):
        present = [habits.random() < 0.5 for _ in range(EPOCHS)]
        for epoch in (epoch for epoch in range(EPOCHS) if present[epoch]):
            for index, station in enumerate(STATIONS):
                payee = SCHEMES[scheme](keys, station, epoch)
                session = keys.sign_session(DOMAIN, station, bytes([fan]) * 20, epoch, epoch * 3600, epoch * 3600 + 60)
                identity = digest(session.message, DOMAIN)
                tags = tuple(play_tag(payee, identity, sequence) for sequence in range(1, 4))
                out.append(Record(fan, index, epoch, payee, tags))
    return tuple(out)


def linked(scheme: str) -> tuple[int, int, float]:
    """The attacker's guesses of each payee's fan at the second station: hits, tries and hits of chance."""
    sides: tuple[dict[bytes, list[Record]], dict[bytes, list[Record]]] = ({}, {})
    for one in record(scheme):
        sides[one.station].setdefault(one.payee, []).append(one)
    hits, chance = 0, 0.0
    for payee, mine in sides[0].items():
        epochs = {one.epoch for one in mine}
        scores = []
        for other, theirs in sides[1].items():
            there = {one.epoch for one in theirs}
            together = len(epochs & there) / len(epochs | there)
            same = 1.0 if payee == other else 0.0
            tags = len({tag for one in mine for tag in one.tags} & {tag for one in theirs for tag in one.tags})
            near = _near(payee, other) + max(_near(a.tags[0], b.tags[0]) for a in mine[:1] for b in theirs[:1])
            scores.append((1000 * same + 100 * tags + together + near / 1000, theirs[0].fan, together))
        best = max(scores)
        hits += best[1] == mine[0].fan
        chance += 1 / sum(score[2] == best[2] for score in scores)
    return hits, len(sides[0]), chance


def _near(one: bytes, other: bytes) -> float:
    """Share of equal bits of two ids."""
    return 1 - (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count() / (8 * len(one))


@pytest.mark.long
def test_fresh_payees_cannot_be_linked() -> None:
    """Payees would link one fan's listening at two stations better than chance."""
    hits, tries, chance = linked("fresh")
    assert tries > 500
    assert chance / tries < 0.05
    assert hits <= chance + 4 * math.sqrt(chance)


@pytest.mark.long
def test_the_attack_works_where_ids_are_shared() -> None:
    """The attack above would prove nothing, since it finds nobody."""
    hits, tries, _ = linked("shared")
    assert hits / tries > 0.95
    hits, tries, _ = linked("stable")
    assert hits / tries > 0.8


def test_ids_look_like_noise() -> None:
    """A payee or tag would repeat, or reveal its station or neighbours."""
    everything = record("fresh")
    payees, tags = [one.payee for one in everything], [tag for one in everything for tag in one.tags]
    assert len(set(payees)) == len(payees)
    assert len(set(tags)) == len(tags)
    for column in (b"".join(payees), b"".join(tags)):
        counts = np.bincount(np.frombuffer(column, dtype=np.uint8), minlength=256)
        expected = counts.sum() / 256
        # 255 degrees of freedom: mean 255, deviation sqrt(510).
        assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * math.sqrt(510)
    first, second = ([one.payee for one in everything if one.station == index] for index in (0, 1))
    nearness = [_near(a, b) for a, b in zip(first, second, strict=True)]
    assert abs(float(np.mean(nearness)) - 0.5) < 4 * 0.5 / math.sqrt(160 * len(nearness))


@pytest.mark.parametrize("fan", [0, 1, FANS - 1])
def test_no_wallet_address_is_a_payee(fan: int) -> None:
    """An account or listener key would be paid to, which links all its plays."""
    keys = wallets()[fan]
    mine = {one.payee for one in record("fresh") if one.fan == fan}
    assert not mine & {keys.account, *(keys.listener(station) for station in STATIONS), ZERO_ADDRESS}
    assert keys.listener(STATIONS[0]) != keys.listener(STATIONS[1])
