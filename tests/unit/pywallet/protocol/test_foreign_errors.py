"""Errors that a station or a server answers.

Only registered codes about what that side decides, and no text of theirs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import PUBLIC_DETAIL, SENTENCES
from pywallet.protocol.foreign_errors import (
    AREAS,
    Side,
    code_from,
    error_from,
)

CASES = json.loads((Path(__file__).resolve().parents[3] / "vectors" / "outside.json").read_text(encoding="utf-8"))
ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.sampled_from(sorted(SENTENCES))),
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(st.one_of(st.text(), st.sampled_from(sorted(PUBLIC_DETAIL))), inner)
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_a_station_says(case: dict[str, Any]) -> None:
    """The same cases as the extension's."""
    found = error_from("station", case["error"])

    assert (found.code, found.detail, found.message) == (case["code"], case["detail"], SENTENCES[case["code"]])


@pytest.mark.parametrize("side", sorted(AREAS))
def test_a_side_says_nothing_of_this_computer(side: Side) -> None:
    """No code of host, wallet, sites or player, and none for a mistake of ours."""
    for code in SENTENCES:
        own = code.partition(".")[0] in {
            "host",
            "wallet",
            "site",
            "player",
            "media",
            "transfer",
            "internal",
            "command",
            "genre",
        }
        assert (code_from(side, code) == f"{side}.answer") >= own


@given(error=ANY)
def test_whatever_is_answered_is_an_error_of_ours(error: Any) -> None:
    """No text of two words gets through, in any shape of answer."""
    found = error_from("server", error).to_json()

    assert found["code"] in SENTENCES
    assert found["message"] == SENTENCES[found["code"]]
    assert not any(isinstance(value, str) and not value.isascii() for value in found["detail"].values())
    assert all(" " not in value for value in found["detail"].values() if isinstance(value, str))
