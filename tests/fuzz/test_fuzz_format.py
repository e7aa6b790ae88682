"""Every reader of the format accepts any bytes or refuses them with a code, and does nothing else."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import GomaaError
from pywallet.sps.container import MAGIC
from tests.budget import budget
from tests.fuzz.mutate import bloat, mutate
from tests.fuzz.targets import TARGETS, corpus

QUICK = budget()


def answer(name: str, data: bytes) -> str | None:
    """Return the code, or None; any other exception fails the test."""
    try:
        TARGETS[name](data)
    except GomaaError as e:
        return e.code
    return None


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_kept_inputs_are_accepted_or_refused(name: str) -> None:
    """Each kept input, also those that found faults once; at least one is accepted."""
    assert None in [answer(name, data) for data in corpus(name)]


@pytest.mark.parametrize("name", sorted(TARGETS))
@QUICK
@given(noise=st.binary(max_size=600))
def test_random_bytes_are_accepted_or_refused(name: str, noise: bytes) -> None:
    """Any bytes, also after the magic and a correct length."""
    answer(name, noise)
    answer(name, MAGIC + len(noise).to_bytes(4, "big") + noise)


@pytest.mark.parametrize("name", sorted(TARGETS))
@QUICK
@given(random=st.randoms(use_true_random=False))
def test_mutations_are_accepted_or_refused(name: str, random: Random) -> None:
    """Kept inputs with bytes and fields changed."""
    answer(name, mutate(random, corpus(name)))


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_huge_inputs_are_accepted_or_refused(name: str) -> None:
    """Four megabytes of one part repeated."""
    random, pool = Random(name), corpus(name)
    for _ in range(3):
        answer(name, bloat(random, pool))
