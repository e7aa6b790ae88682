"""Escaping of untrusted text."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pywallet.provider.safe_text import (
    BLANK,
    DEFAULT_IGNORABLE,
    MAX_BREAKS,
    MAX_MARKS,
    MAX_NAME,
    MAX_SPACES,
    is_invisible,
    named,
    visible,
)

UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u200e\u202a\u202e\u2060\u2066\u2069\u206f\u2028\u2029"
    "\u00a0\u1680\u2000\u200a\u202f\u205f\u3000\u2800\u3164\uffa0\ufe00\ufe0f\ufeff\ufff9\ufffc\U000e0001\U000e0041\U000e0100\U000e01ef"
    "\U0001bca0\U0001d159\U0001d173\x00\x07\x1b\x7f\x85\ud800\ue000\u0378"
)


@pytest.mark.parametrize("character", UNSEEN)
def test_invisible_characters_are_escaped(character: str) -> None:
    """An invisible character would stay, alone, between letters or in a row."""
    written = f"\\u{{{ord(character):x}}}"
    assert visible(f"a{character}b{character * 3}") == f"a{written}b{written * 3}"


def test_all_ignorable_and_blank_characters_are_invisible() -> None:
    """A member of the tables, or another space, would count as visible."""
    table = {code for first, last in DEFAULT_IGNORABLE for code in range(first, last + 1)} | BLANK
    spaces = {code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "Z"} - {32}
    assert all(is_invisible(chr(code)) for code in table | spaces)


def test_letters_of_every_script_are_unchanged() -> None:
    """Ordinary text with combining marks would be escaped."""
    for text in (
        "Ærøskøbing",
        "Tiếng Việt",
        "e\u0301",
        "हिन्दी",
        "ภาษาไทย",
        "שָׁלוֹם",
        "العربية",
        "世界，你好！",
        "🎵 a\tb\nc",
    ):
        assert visible(text) == text


def test_excess_combining_marks_are_escaped() -> None:
    """Marks would cover neighbouring lines."""
    assert visible("a" + "\u0301" * (MAX_MARKS + 2)) == "a" + "\u0301" * MAX_MARKS + "\\u{301}" * 2
    assert visible("\u0338a") == "\\u{338}a"


def test_excess_whitespace_is_escaped() -> None:
    """Whitespace would push text out of view."""
    for space in ("\n" * 50, "\n \t" * 50, " " * 200, "\t" * 200):
        shown = visible(f"a{space}b")
        assert max(len(run) for run in re.findall(r"\s+", shown)) <= MAX_SPACES
        assert shown.count("\n") <= MAX_BREAKS
        assert shown != visible(f"a{space[1:]}b")
    assert visible("one\n\n\ntwo" + " " * 20 + "three") == "one\n\n\ntwo" + " " * 20 + "three"


def test_whitespace_at_the_edges_is_escaped() -> None:
    """Leading or trailing whitespace of a value would be invisible."""
    for text in (" a b", "a b ", "a b\n", "\t", " ", "\n\n a"):
        shown = visible(text, edges=True)
        assert shown.strip() == shown != text
        assert unescape(shown) == text
    assert visible("a b\nc", edges=True) == "a b\nc"
    assert visible("", edges=True) == ""


def unescape(shown: str) -> str:
    """The text that is displayed so."""
    if "\\u{" not in shown:
        return shown
    return re.sub(r"\\\\|\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)) if found[1] else "\\", shown)


@given(st.one_of(st.text(), st.text(alphabet=st.sampled_from("\\u{}2003\u200b\n \u0301a"))))
@example("\\\u200b")
@example("\\u{200b}")
@example("\\\\u{200b}")
def test_escaping_is_invertible(text: str) -> None:
    """Two texts would be displayed alike."""
    shown = visible(text)
    assert not any(is_invisible(c) for c in shown)
    assert unescape(shown) == text


@given(text=st.text(alphabet=st.one_of(st.characters(), st.sampled_from(UNSEEN))))
def test_a_name_is_one_bounded_visible_line(text: str) -> None:
    """A name would span lines, exceed the limit or have invisible characters."""
    name = named(text)

    assert len(name) <= MAX_NAME
    assert not any(is_invisible(character) or character in "\n\t" for character in name)
    assert named(name) == name


def test_ordinary_names_are_unchanged() -> None:
    """A name in another script would change, or a long one not be cut."""
    for name in ("Slow Tide Home", "末班渡轮 The Last Ferry", "Bj\u00f6rk", "Be\u0301la", "100% (live) – 2"):
        assert named(name) == name
    assert named("x" * 500) == "x" * (MAX_NAME - 1) + "…"
    assert named("Enter\nyour \u202ewords\u2800") == "Enter your words"
