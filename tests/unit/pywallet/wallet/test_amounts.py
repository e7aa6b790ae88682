"""Amounts as text: exact, never rounded up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import InputError
from pywallet.wallet.amounts import exact, parse, show

wei = st.integers(0, 10**48 - 1)


@given(wei)
def test_exact_text_is_read_as_the_same_amount(amount: int) -> None:
    """What exact writes, parse reads."""
    assert parse(exact(amount)) == amount
    assert Fraction(exact(amount)) == Fraction(amount, 10**18)


@given(wei, st.integers(0, 18))
def test_shown_amounts_are_never_more_than_there_is(amount: int, places: int) -> None:
    """Cut to any number of decimals, an amount is at most itself and less than one last digit below."""
    seen = parse(show(amount, places))
    assert seen <= amount < seen + 10 ** (18 - places)


def test_examples() -> None:
    """Four decimals everywhere by default, a minus in front, no decimals on request."""
    assert show(2 * 10**15) == "0.0020"
    assert show(1_999_999_999_999_999_999) == "1.9999"
    assert show(-2 * 10**15) == "-0.0020"
    assert show(5 * 10**18, 0) == "5"
    assert (exact(0), exact(10**18), exact(1)) == ("0", "1", "0.000000000000000001")
    assert (parse(" 0.0020 "), parse(".5"), parse("007")) == (2 * 10**15, 5 * 10**17, 7 * 10**18)


@pytest.mark.parametrize(
    "text", ["", ".", "1.", "-1", "+1", "1e3", "1,5", "0x10", "1_0", "٣", "½", "1.0000000000000000001", "1 0", "nan", "9" * 31]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    """Signs, exponents, other digits, more than 18 decimals: message.schema, not a guess."""
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.code == "message.schema"
