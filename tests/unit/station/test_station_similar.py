"""More like this: what is near, what is never offered, and where it is shown."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pywallet.sps.likeness import COLUMNS, pack
from station.catalogue.similar import LIMIT, Neighbours
from station.catalogue.songs import Catalogue


@dataclass(frozen=True)
class Track:
    """As much of a song as is compared."""

    name: str
    artist: str = ""
    genre: str | None = None
    features: bytes = b""


def _sound(**shares: float) -> bytes:
    """A field whose measures stand in the middle of their scales but for these shares."""
    return pack({c.name: c.low + shares.get(c.name, 0.5) * (c.high - c.low) for c in COLUMNS})


FIELDS = st.one_of(
    st.just(b""),
    st.binary(min_size=len(COLUMNS), max_size=len(COLUMNS)).map(lambda body: b"\x01" + body),
    st.binary(max_size=64),
)
CATALOGUES = st.lists(
    st.builds(
        Track,
        name=st.text("abcdef", min_size=1, max_size=3),
        artist=st.sampled_from(["One", "one ", "Two", "Three"]),
        genre=st.sampled_from([None, "", "rock", "Rock", "folk"]),
        features=FIELDS,
    ),
    unique_by=lambda track: track.name,
    max_size=12,
)


@given(CATALOGUES)
def test_distance_is_a_distance(tracks: list[Track]) -> None:
    """Symmetric to the bit, zero only to itself or an equal, never negative, and no detour is shorter."""
    neighbours = Neighbours(tracks)
    for a in tracks:
        for b in tracks:
            apart = neighbours.distance(a.name, b.name)
            assert apart == neighbours.distance(b.name, a.name)
            if apart is None:
                continue
            assert (apart == 0) == (a.features == b.features)
            for c in tracks:
                first, second = neighbours.distance(a.name, c.name), neighbours.distance(c.name, b.name)
                if first is not None and second is not None:
                    assert apart <= first + second + 1e-9


@given(CATALOGUES, st.integers(1, 12), st.randoms())
def test_matches_are_in_order_and_the_same_whatever_the_order_of_the_shelf(
    tracks: list[Track], limit: int, draw: Any
) -> None:
    """Never the song itself, nobody twice, at most the limit, sound before artist before genre, nearest first,
    deterministic.
    """
    neighbours = Neighbours(tracks)
    shuffled = list(tracks)
    draw.shuffle(shuffled)
    other = Neighbours(shuffled)
    for track in tracks:
        matches = neighbours.like(track.name, limit)
        names = [match.name for match in matches]
        assert track.name not in names
        assert len(names) == len(set(names)) <= limit
        ranks = [("sound", "artist", "genre").index(match.by) for match in matches]
        assert ranks == sorted(ranks)
        distances = [match.distance for match in matches if match.distance is not None]
        assert distances == sorted(distances)
        assert len(distances) == ranks.count(0)
        assert list(other.like(track.name, limit)) == list(matches)


@given(CATALOGUES)
def test_every_song_that_says_how_it_sounds_is_offered(tracks: list[Track]) -> None:
    """With room for all, a song with a field finds every other song with one."""
    neighbours = Neighbours(tracks)
    sounding = {track.name for track in tracks if len(track.features) == 1 + len(COLUMNS) and track.features[0] == 1}
    for name in sounding:
        assert {match.name for match in neighbours.like(name, 100) if match.by == "sound"} == sounding - {name}


def test_the_nearest_sound_comes_first() -> None:
    """A slow quiet song is nearest to the other slow quiet one, though a loud one is by the same artist."""
    songs = [
        Track("slow", "A", features=_sound(tempo=0.2, energy=0.2, loudness=0.3)),
        Track("slower", "B", features=_sound(tempo=0.1, energy=0.2, loudness=0.3)),
        Track("loud", "A", features=_sound(tempo=0.8, energy=0.9, loudness=0.9)),
        Track("louder", "C", features=_sound(tempo=0.8, energy=1, loudness=0.9)),
    ]
    assert [match.name for match in Neighbours(songs).like("slow")] == ["slower", "loud", "louder"]
    assert Neighbours(songs).like("louder")[0].name == "loud"


def test_what_hardly_differs_does_not_decide() -> None:
    """Where all songs have one tempo but for a rounding step, the difference in energy decides."""
    songs = [
        Track("a", features=_sound(tempo=0.5, energy=0.5)),
        Track("b", features=_sound(tempo=0.5 + 1 / 255, energy=0.5)),
        Track("c", features=_sound(tempo=0.5, energy=0.7)),
    ]
    assert [match.name for match in Neighbours(songs).like("a")] == ["b", "c"]


def test_without_features_artist_and_genre_help() -> None:
    """Songs that don't say how they sound are offered by artist, then by genre, whatever the case; others are not."""
    songs = [
        Track("a", "Ottilie", "Folk"),
        Track("b", "Else", "folk"),
        Track("c", "ottilie", "rock"),
        Track("d", "Else", "rock", _sound()),
        Track("e", "Nobody", None),
    ]
    assert [(match.name, match.by) for match in Neighbours(songs).like("a")] == [("c", "artist"), ("b", "genre")]
    assert [(match.name, match.by) for match in Neighbours(songs).like("d")] == [("b", "artist"), ("c", "genre")]
    assert Neighbours(songs).like("e") == []
    assert Neighbours(songs).like("absent") == ()


def test_a_large_catalogue_answers_at_once() -> None:
    """Of 2000 songs, the nearest are found within a second of the processor's time."""
    songs = [Track(f"{n:04}", features=_sound(tempo=n % 97 / 97, energy=n % 89 / 89)) for n in range(2000)]
    neighbours = Neighbours(songs)
    began = time.thread_time()
    assert len(neighbours.like("0000")) == LIMIT
    assert time.thread_time() - began < 1


def test_the_shelf_keeps_up(tmp_path: Path, write_song: Callable[..., bytes]) -> None:
    """A song put on the shelf is among the matches at the next look; header fields arrive in the catalogue."""
    write_song(tmp_path / "a.sps", title="A", artist="X", seed=1, genre="folk", features=_sound(energy=0.4))
    catalogue = Catalogue(tmp_path)
    song = catalogue.named("a")
    assert song is not None
    assert (song.genre, song.features) == ("folk", _sound(energy=0.4))
    assert catalogue.like(song) == []
    write_song(tmp_path / "b.sps", title="B", artist="Y", seed=2, features=_sound(energy=0.5))
    catalogue.refresh()
    ((other, match),) = catalogue.like(song)
    assert (other.name, match.by) == ("b", "sound")


async def test_a_song_page_shows_what_is_alike(world: Any, write_song: Callable[..., bytes]) -> None:
    """Under the player stand at most four songs with the reason, as links that swap the player.

    Never the song itself.
    """
    shelf = world.config.catalogue
    for n in range(6):
        write_song(shelf / f"more-{n}.sps", title=f"More {n}", artist="M", seed=10 + n, features=_sound(energy=n / 10))
    write_song(
        shelf / "slow-tide.sps",
        title="Slow Tide Home",
        artist="Saltwick Lanterns",
        seed=1,
        features=_sound(energy=0.21),
    )
    world.station.catalogue.refresh()
    text = await (await world.client.get("/song/slow-tide")).text()
    row = text.split('data-swap="similar">')[1].split("</div>")[0]
    assert re.findall(r'href="/song/([a-z0-9-]+)" data-song="\1"', row) == ["more-2", "more-3", "more-1", "more-4"]
    assert row.count("sounds alike") == 4
    lone = await (await world.client.get("/song/letters")).text()
    assert 'data-swap="similar"></div>' in lone


async def test_similar_as_json(world: Any, write_song: Callable[..., bytes]) -> None:
    """The same matches for programs; an unknown song is 404, a strange limit 400."""
    write_song(world.config.catalogue / "third.sps", title="Third", artist="saltwick lanterns", seed=3)
    world.station.catalogue.refresh()
    async with world.client.get("/gomaa/songs/slow-tide/similar") as response:
        assert response.status == 200
        value = await response.json()
    assert value["song"] == "slow-tide"
    (match,) = value["similar"]
    assert match == {
        "name": "third",
        "content": "0x" + "03" * 20,
        "title": "Third",
        "artist": "saltwick lanterns",
        "genre": None,
        "by": "artist",
        "distance": None,
    }
    for path, status in [("none/similar", 404), ("slow-tide/similar?limit=0", 400), ("slow-tide/similar?limit=x", 400)]:
        async with world.client.get(f"/gomaa/songs/{path}") as response:
            assert response.status == status
            assert "error" in await response.json()
