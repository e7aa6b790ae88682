"""Errors in responses of a station or security server: registered codes of that side, without texts."""

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
def test_errors_of_a_station(case: dict[str, Any]) -> None:
    """A case of the extension's list would be decided otherwise."""
    found = error_from("station", case["error"])

    assert (found.code, found.detail, found.message) == (case["code"], case["detail"], SENTENCES[case["code"]])


@pytest.mark.parametrize("side", sorted(AREAS))
def test_codes_of_other_areas_are_replaced(side: Side) -> None:
    """A station or server could report an error of this computer."""
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
def test_no_text_of_a_response_is_kept(error: Any) -> None:
    """A text of another party would be shown to a person."""
    found = error_from("server", error).to_json()

    assert found["code"] in SENTENCES
    assert found["message"] == SENTENCES[found["code"]]
    assert not any(isinstance(value, str) and not value.isascii() for value in found["detail"].values())
    assert all(" " not in value for value in found["detail"].values() if isinstance(value, str))
