"""Whatever bytes come, a reader of the format refuses them with a code or takes them, and does nothing else."""

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
    """The code, or None; any other exception is the test's failure."""
    try:
        TARGETS[name](data)
    except GomaaError as e:
        return e.code
    return None


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_kept_inputs_are_answered(name: str) -> None:
    """Each kept input, those that found faults once included, is refused or taken; at least one is taken."""
    assert None in [answer(name, data) for data in corpus(name)]


@pytest.mark.parametrize("name", sorted(TARGETS))
@QUICK
@given(noise=st.binary(max_size=600))
def test_noise_is_answered(name: str, noise: bytes) -> None:
    """Any bytes, also behind the magic and a length that fits."""
    answer(name, noise)
    answer(name, MAGIC + len(noise).to_bytes(4, "big") + noise)


@pytest.mark.parametrize("name", sorted(TARGETS))
@QUICK
@given(random=st.randoms(use_true_random=False))
def test_mutations_are_answered(name: str, random: Random) -> None:
    """Kept inputs with bytes and fields changed."""
    answer(name, mutate(random, corpus(name)))


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_huge_inputs_are_answered(name: str) -> None:
    """Four megabytes of one part repeated."""
    random, pool = Random(name), corpus(name)
    for _ in range(3):
        answer(name, bloat(random, pool))
