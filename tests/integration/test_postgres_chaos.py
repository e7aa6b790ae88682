"""Several server processes on one PostgreSQL lose nothing and count nothing twice, whatever happens to one of them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.integration.chaos import run
from tests.integration.chaos_faults import sequence
from tests.integration.postgres_cluster import programs

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
SEED = 1


async def test_what_was_acknowledged_is_stored_and_settled_once(tmp_path: Path) -> None:
    """A process is killed, stopped, cut off from PostgreSQL and slowed, as leader and not; a replica takes over.

    An acknowledged invocation that is missing is an unpaid play; one that is counted twice is paid twice.
    """
    outcome = await run(tmp_path, SEED, sequence(random.Random(SEED), 1))
    print(json.dumps(outcome.to_json()))
    assert not outcome.wrong, outcome.log
    assert not outcome.record.refusals
    assert outcome.epochs >= 2
    assert outcome.record.acknowledged > 200
