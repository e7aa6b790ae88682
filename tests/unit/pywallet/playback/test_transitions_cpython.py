"""The extension's interpreter of the transition table against the state machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from pywallet.playback import transition_table
from tests.vectors.transitions import PATH, results, sequence, vectors

INTERPRET = Path(__file__).with_name("interpret.mjs")
CHUNK = 1_000


@pytest.fixture
def node() -> Iterator[subprocess.Popen[str]]:
    """A node process with the interpreter."""
    with subprocess.Popen(["node", INTERPRET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        print(json.dumps(transition_table()), file=process.stdin, flush=True)
        yield process
        process.stdin.close()


@pytest.mark.parametrize(
    ("seed", "count"), [(1, 2_000), pytest.param(2, 100_000, marks=pytest.mark.long)], ids=["2e3", "1e5"]
)
def test_the_interpreter_and_the_machine_agree(node: subprocess.Popen[str], seed: int, count: int) -> None:
    """The extension would play otherwise than the machine in a random session."""
    assert node.stdin is not None
    assert node.stdout is not None
    chance = Random(seed)
    for _ in range(count // CHUNK):
        sessions = [sequence(chance) for _ in range(CHUNK)]
        print(json.dumps(sessions), file=node.stdin, flush=True)
        for session, answers in zip(sessions, json.loads(node.stdout.readline()), strict=True):
            assert answers == results(session), session


def test_the_recorded_table_is_current() -> None:
    """The extension's tests would use an old table (python -m tests.vectors.transitions)."""
    assert PATH.read_text() == vectors()
