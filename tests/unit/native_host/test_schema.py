"""Requests are validated before an operation runs."""

from __future__ import annotations

from typing import Any

import pytest

from messages.browser_host.playback import Invoke
from native_host.messaging import requests
from pywallet.errors import InputError

KEY = "A" * 43 + "="


def test_a_request_becomes_its_type() -> None:
    """A valid request is parsed with all its fields."""
    request = requests.parse(
        {"id": 1, "op": "invoke", "stream": "s", "action": "seek", "position_ms": 5, "segment": 2, "count": 3}
    )

    assert request == Invoke("s", "seek", 5, 2, 3)


@pytest.mark.parametrize("op", ["", "nothing", None, 5, ["hello"], "__init__"])
def test_an_unknown_operation_is_refused(op: Any) -> None:
    """With ``host.message.unknown`` and its name."""
    with pytest.raises(InputError) as caught:
        requests.parse({"id": 1, "op": op})

    assert caught.value.code == "host.message.unknown"


@pytest.mark.parametrize(
    "message",
    [
        {"op": "hello"},
        {"op": "hello", "protocol": "1"},
        {"op": "hello", "protocol": True},
        {"op": "open", "stream": "", "header": "", "origin": "", "key": KEY},
        {"op": "open", "stream": "s", "header": "*", "origin": "", "key": KEY},
        {"op": "open", "stream": "s", "header": "", "origin": "", "key": "short"},
        {"op": "invoke", "stream": "s", "action": "play", "position_ms": -1},
        {"op": "invoke", "stream": "s", "action": "play", "position_ms": 1.5},
        {"op": "invoke", "stream": "s", "action": "play", "position_ms": 0, "count": 257},
        {"op": "prepare", "stream": "s", "ticket": "0x"},
        {"op": "prepare", "stream": "s", "session": 7},
        {"op": "claim", "claims": []},
        {"op": "holdings", "chain_id": 1, "account": "0x" + "11" * 20, "payees": ["0x" + "22" * 20] * 257},
        {"op": "relayer", "chain_id": 1, "payee": "0x" + "22" * 20, "amount_wei": "-1"},
        {"op": "sweep", "server": "0x" + "11" * 20, "sweep": {}, "permit": "0x" + "00" * 64},
        {"op": "leaf", "server": "0xAB", "epoch": 1, "payee": "0x"},
    ],
)
def test_a_wrong_field_is_refused(message: dict[str, Any]) -> None:
    """A missing, mistyped or out-of-range field is host.message.schema."""
    with pytest.raises(InputError) as caught:
        requests.parse(message)

    assert caught.value.code == "host.message.schema"


@pytest.mark.parametrize("number", [None, "1", -1, True, 1.0, 1 << 53])
def test_a_request_needs_an_id(number: Any) -> None:
    """Without a valid id it is ``host.message.schema``."""
    with pytest.raises(InputError) as caught:
        requests.request_id({"id": number})

    assert caught.value.code == "host.message.schema"
