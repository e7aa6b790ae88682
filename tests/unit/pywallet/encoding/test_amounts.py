"""Token amounts as text."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.encoding.amounts import exact, parse, show
from pywallet.errors import InputError

wei = st.integers(0, 10**48 - 1)


@given(wei)
def test_exact_text_is_read_as_the_same_amount(amount: int) -> None:
    """``parse`` would not invert ``exact``."""
    assert parse(exact(amount)) == amount
    assert Fraction(exact(amount)) == Fraction(amount, 10**18)


@given(wei, st.integers(0, 18))
def test_formatted_amounts_are_rounded_towards_zero(amount: int, places: int) -> None:
    """A displayed amount would exceed the real one."""
    seen = parse(show(amount, places))
    assert seen <= amount < seen + 10 ** (18 - places)


def test_examples() -> None:
    """Default decimals, sign or zero decimals would be wrong."""
    assert show(2 * 10**15) == "0.0020"
    assert show(1_999_999_999_999_999_999) == "1.9999"
    assert show(-2 * 10**15) == "-0.0020"
    assert show(5 * 10**18, 0) == "5"
    assert (exact(0), exact(10**18), exact(1)) == ("0", "1", "0.000000000000000001")
    assert (parse(" 0.0020 "), parse(".5"), parse("007")) == (2 * 10**15, 5 * 10**17, 7 * 10**18)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ".",
            ",",
            "1.",
            "1,",
            "1,234.",
            "-1",
            "\u22121",
            "+-1",
            "1e3",
            "0x10",
            "1_0",
            "1_000",
            "1\u0663",
            "\u00bd",
            "\u00b2",
            "1 0",
        ),
        *(
            "1.0000000000000000001",
            "nan",
            "9" * 31,
            "1,23.4",
            "1,23,456",
            "1,234,56",
            "1,234,567,8",
            "1 234 56",
            "1.2.3",
            "12 ETH",
            "GoMAA",
        ),
        *("1\u00b75", "1,,5", "12 GoMAA GoMAA 1", "1" * 200),
    ],
)
def test_malformed_amounts_are_refused(text: str) -> None:
    """Text that is no amount would be guessed at."""
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.code == "message.schema"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(
            ("1,5", "1.5"),
            (",5", "0.5"),
            ("12,50", "12.5"),
            ("1,2345", "1.2345"),
            ("1234,567", "1234.567"),
            ("0,234", "0.234"),
        ),
        *(("1,234,567", "1234567"), ("1,234.56", "1234.56"), ("1,234.567", "1234.567"), ("12,000.0000", "12000")),
        *(
            ("1.234", "1.234"),
            ("12.000", "12"),
            ("1.234,5", "1234.5"),
            ("1.234,567", "1234.567"),
            ("1.234.567", "1234567"),
        ),
        *(("1 234", "1234"), ("1\u00a0234,5", "1234.5"), ("1\u202f234.5", "1234.5"), ("1\u2009234,567", "1234.567")),
        *(
            ("1'234.50", "1234.5"),
            ("1\u2019234,5", "1234.5"),
            ("12 GOMAA", "12"),
            ("12gomaa", "12"),
            ("GoMAA 0.5", "0.5"),
        ),
        *(
            ("\uff11\uff12\uff0e\uff15", "12.5"),
            ("\uff11\uff0c\uff15", "1.5"),
            ("\u0661\u066b\u0665", "1.5"),
            ("+1", "1"),
        ),
        *(("\ufeff2\u200b5\u00ad", "25"), ("\u20662.5\u2069", "2.5"), ("\u0663", "3"), ("\t2.5\r\n", "2.5")),
    ],
)
def test_unambiguous_amounts_are_parsed(text: str, wanted: str) -> None:
    """A usual way to write an amount would be refused."""
    assert exact(parse(text)) == wanted


@given(
    st.integers(1, 999),
    st.integers(0, 999),
    st.sampled_from([",", "\uff0c"]),
    st.sampled_from(["", " GoMAA", "\u00a0"]),
)
def test_ambiguous_amounts_are_refused_with_both_readings(left: int, right: int, comma: str, behind: str) -> None:
    """One comma before three digits would be guessed at."""
    with pytest.raises(InputError) as caught:
        parse(f"{left}{comma}{right:03}{behind}")
    assert caught.value.code == "wallet.amount.ambiguous"
    assert caught.value.detail == {"thousands": f"{left}{right:03}", "decimals": f"{left}.{right:03}"}


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_an_input_error(text: str) -> None:
    """Another exception would be raised, or a parsed amount not be formatted."""
    try:
        amount = parse(text)
    except InputError:
        return
    assert parse(exact(amount)) == amount
