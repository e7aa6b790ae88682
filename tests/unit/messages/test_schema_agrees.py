"""The JSON Schema against what msgspec decodes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from messages.generate import fields
from messages.generate.schema import EVENTS, LINES
from tests.budget import budget
from tests.unit.messages import values

VALIDATE = Path(__file__).with_name("validate.mjs")
REQUESTS = {
    f"{line}.{exchange.request.__name__}": exchange.request
    for line, members in LINES.items()
    for exchange in members
    if exchange.request is not None
}
ANSWERS = {
    f"{line}.{kind.__name__}": kind
    for line, members in LINES.items()
    for kind in (
        *(kind for exchange in members for kind in fields.result_structs(exchange)),
        *EVENTS.get(line, {}).values(),
    )
}


@pytest.fixture(scope="module")
def node() -> Iterator[subprocess.Popen[str]]:
    """A process that validates by the schema."""
    with subprocess.Popen(["node", VALIDATE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.communicate()


def valid(node: subprocess.Popen[str], name: str, candidates: list[Any]) -> list[bool]:
    """Which of the values are valid by a definition of the schema."""
    assert node.stdin is not None
    assert node.stdout is not None
    print(json.dumps([name, candidates]), file=node.stdin, flush=True)
    answers: list[bool] = json.loads(node.stdout.readline())
    return answers


def accepted(kind: type[Struct], candidates: list[Any]) -> list[bool]:
    """Which of the values msgspec decodes as the struct."""
    decoder = msgspec.json.Decoder(kind)
    answers = []
    for candidate in candidates:
        try:
            decoder.decode(json.dumps(candidate))
        except msgspec.ValidationError:
            answers.append(False)
        else:
            answers.append(True)
    return answers


@pytest.mark.parametrize("name", REQUESTS)
@budget(0.08)
@given(data=st.data())
def test_a_request_is_valid_where_it_is_accepted(node: subprocess.Popen[str], name: str, data: st.DataObject) -> None:
    """A program written by the schema would be refused, or would not send what it may."""
    kind = REQUESTS[name]
    value = data.draw(values.message(kind))
    candidates = [value, *values.variants(value, fields.type_of(kind))]
    judged = valid(node, name, candidates)
    assert judged[0]
    decoded = accepted(kind, candidates)
    assert [one for one, by, of in zip(candidates, judged, decoded, strict=True) if by != of] == []


@pytest.mark.parametrize("name", ANSWERS)
@budget(0.08)
@given(data=st.data())
def test_a_result_or_event_as_it_is_encoded_is_valid(
    node: subprocess.Popen[str], name: str, data: st.DataObject
) -> None:
    """A reader that requires what the schema requires would refuse a real answer, or take what is none."""
    kind = ANSWERS[name]
    drawn = data.draw(values.message(kind))
    value = json.loads(msgspec.json.encode(msgspec.json.decode(json.dumps(drawn), type=kind)))
    candidates = [value, *values.variants(value, fields.type_of(kind))]
    judged = valid(node, name, candidates)
    assert judged[0]
    decoded = accepted(kind, candidates)
    assert [one for one, by, of in zip(candidates, judged, decoded, strict=True) if by and not of] == []
