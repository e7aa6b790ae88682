"""Songs that a page names, and the headers of partial answers: the lists that the extension is held to as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from station.site_check.content_range import content_range
from station.site_check.page_songs import decode, songs_of_page, tracks

VECTORS = Path(__file__).parents[2] / "vectors"
FOUND = json.loads((VECTORS / "found.json").read_text(encoding="utf-8"))
RANGES = json.loads((VECTORS / "delivery" / "content_range.json").read_text(encoding="utf-8"))
PLAYER = '<sps-player src="/é.sps"></sps-player>'


@pytest.mark.parametrize("case", FOUND["pages"], ids=lambda case: case["name"])
def test_a_page_names_what_the_extension_finds(case: dict[str, Any]) -> None:
    """Songs and lists, absolute, in the page's order."""
    named = songs_of_page(case["html"], case["page"]).songs
    assert [{"list": one.url} if one.is_list else one.url for one in named] == case["found"]


@pytest.mark.parametrize("case", FOUND["pages"], ids=lambda case: case["name"])
def test_where_a_page_is_cut_changes_no_song_before_it(case: dict[str, Any]) -> None:
    """What a page names up to any place is the beginning of what it names, as long as no base or child comes later."""
    if "<base" in case["html"] or "<source" in case["html"]:
        return
    whole = [one.url for one in songs_of_page(case["html"], case["page"]).songs]
    for end in range(len(case["html"])):
        part = [one.url for one in songs_of_page(case["html"][:end], case["page"]).songs]
        assert part == whole[: len(part)]


@pytest.mark.parametrize("case", FOUND["lists"], ids=lambda case: case["name"])
def test_a_list_names_its_tracks(case: dict[str, Any]) -> None:
    """JSPF and XSPF."""
    assert tracks(case["text"], case["url"]) == case["found"]


def test_a_policy_may_forbid_the_base_and_links_are_told_apart() -> None:
    """``base-uri 'none'`` leaves the page's own address; a link to a song is no player."""
    text = '<base href="https://cdn.example/"><a href="one.sps">One</a><sps-player src="two.sps"></sps-player>'
    page = "https://radio.example/a/"
    assert songs_of_page(text, page).songs[0].url == "https://cdn.example/two.sps"
    named = songs_of_page(text, page, based=False)
    assert (named.songs[0].url, named.links) == (
        "https://radio.example/a/two.sps",
        ("https://radio.example/a/one.sps",),
    )


def test_a_page_that_carries_its_song_names_itself() -> None:
    """Its element has no address: the page is the file."""
    meta = f'<meta name="sps" content="v=1;off=0000000500;len=000000001000;sha256={"0" * 64}">'
    text = f"<!doctype html>{meta}<sps-player data-sps></sps-player>"
    assert [one.url for one in songs_of_page(text, "https://radio.example/one.sps.html#a").songs] == [
        "https://radio.example/one.sps.html"
    ]
    assert songs_of_page("<!doctype html><sps-player data-sps></sps-player>", "https://radio.example/").songs == ()


@pytest.mark.parametrize(
    ("raw", "header"),
    [
        (PLAYER.encode(), "text/html; charset=utf-8"),
        (PLAYER.encode(), "text/html"),
        (b"\xef\xbb\xbf" + PLAYER.encode(), "text/html; charset=iso-8859-1"),
        (b"\xff\xfe" + PLAYER.encode("utf-16-le"), "text/html"),
        (b"\xfe\xff" + PLAYER.encode("utf-16-be"), "text/html; charset=utf-8"),
        (PLAYER.encode("latin-1"), "text/html; charset=ISO-8859-1"),
        (PLAYER.encode("cp1252"), 'text/html; charset="windows-1252"'),
        (b'<meta charset="iso-8859-1">' + PLAYER.encode("latin-1"), "text/html"),
        (
            b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">' + PLAYER.encode("cp1252"),
            "text/html",
        ),
        (b'<meta charset="utf-16">' + PLAYER.encode(), "text/html"),
        (PLAYER.encode("latin-1"), "text/html"),
        (PLAYER.encode("cp1252"), "text/html; charset=no-such-thing"),
        (PLAYER.encode() + "é".encode()[:1], "text/html"),
    ],
)
def test_a_page_is_read_in_its_own_charset(raw: bytes, header: str) -> None:
    """Mark, header, ``meta``, or what fits."""
    assert [one.url for one in songs_of_page(decode(raw, header), "https://radio.example/").songs] == [
        "https://radio.example/%C3%A9.sps"
    ]


def test_a_content_range_is_read_as_the_vectors_have_it() -> None:
    """As extension/engine/media/content_range.js reads it."""
    for text, expected in RANGES["ranges"]:
        came = content_range(text)
        assert (None if came is None else [came.first, came.end, came.total]) == expected, text
