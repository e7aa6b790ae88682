"""Seals follow from key and text alone, and never hold what would end an HTML comment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import GomaaError
from pywallet.policy import Policy
from pywallet.sps import segment_aad, segment_key
from pywallet.sps.segments import open_segment
from studio.convert import ConvertOptions, ConvertResult, convert
from studio.owner import ContentKeys
from studio.reader import SongFile
from studio.sealing import Sealer, content_key, epoch_of, key_epochs
from tests.unit.studio.conftest import OWNER_KEY

Make = Callable[..., ConvertResult]
KEYS = ContentKeys(bytes(20), bytes(32), {1: bytes(range(32)), 2: bytes(range(1, 33))})


def noise(seconds: float) -> np.ndarray[Any, Any]:
    """Stereo noise, int16."""
    return np.random.default_rng(3).integers(-9000, 9000, (round(seconds * 44_100), 2)).astype("<i2")


def test_a_seal_opens_and_repeats() -> None:
    """What is sealed opens with the format's own reader, and the same text is sealed the same way again."""
    sealed = Sealer(KEYS, 1).seal(3, 2, b"two seconds of music")
    assert sealed == Sealer(KEYS, 1).seal(3, 2, b"two seconds of music")
    opened = open_segment(segment_key(KEYS.keys[2], 1, 3), sealed, segment_aad(KEYS.content, 1, 2, 3))
    assert asyncio.run(opened) == b"two seconds of music"


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from([1, 2]), st.binary(max_size=40)),
        unique=True,
        min_size=2,
        max_size=20,
    )
)
def test_no_nonce_serves_two_texts(work: list[tuple[int, int, bytes]]) -> None:
    """Different texts, places or epochs never share a nonce."""
    nonces = [Sealer(KEYS, 1).seal(index, epoch, clear)[:12] for index, epoch, clear in work]
    assert len(set(nonces)) == len(nonces)


def test_a_seal_avoids_what_it_must() -> None:
    """A seal that would hold a forbidden byte pair, inside or across two segments, is made with another nonce."""
    avoid = [bytes([n, 0x2D]) for n in range(0, 256, 8)]
    careful, whole = Sealer(KEYS, 1, avoid), b""
    for index in range(50):
        whole += careful.seal(index, 1, bytes(60))
    assert not any(pattern in whole for pattern in avoid)
    plain = Sealer(KEYS, 1)
    assert any(pattern in b"".join(plain.seal(i, 1, bytes(60)) for i in range(50)) for pattern in avoid)


@pytest.mark.parametrize(
    ("segments", "key_epoch_s", "expected"),
    [
        (5, None, ((1, 0),)),
        (5, 4, ((1, 0), (2, 2), (3, 4))),
        (4, 4, ((1, 0), (2, 2))),
        (3, 1, ((1, 0), (2, 1), (3, 2))),
    ],
)
def test_key_epochs_cover_the_song(
    segments: int, key_epoch_s: int | None, expected: tuple[tuple[int, int], ...]
) -> None:
    """The table of epochs and the epoch of each segment agree."""
    assert key_epochs(segments, 2, key_epoch_s) == expected
    for index in range(segments):
        assert epoch_of(index, 2, key_epoch_s) == [epoch for epoch, first in expected if first <= index][-1]


def test_content_keys_differ_by_everything() -> None:
    """Owner, salt, content and epoch each change the content key."""
    base = (OWNER_KEY, bytes(32), bytes(20), 1)
    others = [
        (bytes(31) + b"\1", *base[1:]),
        (base[0], b"\1" * 32, *base[2:]),
        (*base[:2], b"\1" * 20, 1),
        (*base[:3], 2),
    ]
    assert len({content_key(*base), *(content_key(*other) for other in others)}) == 5


@pytest.mark.parametrize("layers", [(), ("ultrasonic", "inband")])
def test_the_same_work_gives_the_same_bytes(make: Make, wav: Callable[..., Path], layers: tuple[str, ...]) -> None:
    """With one salt, recording and owner the file and its keys are byte-identical; another salt changes both.

    Marked or not.
    """
    source, seen = wav(noise(4.5)), []
    for salt in (b"\5" * 32, b"\5" * 32, b"\6" * 32):
        made = make(source, salt=salt, replace=True, layers=layers)
        seen.append((made.path.read_bytes(), made.key_path.read_bytes()))
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[2][0]
    assert seen[0][1] != seen[2][1]


def test_a_lost_song_comes_back_under_its_address(make: Make, wav: Callable[..., Path]) -> None:
    """A key file that is there without its song is used again: same content, same bytes."""
    source = wav(noise(3))
    first = make(source)
    data = first.path.read_bytes()
    first.path.unlink()
    again = make(source)
    assert (again.content, again.path.read_bytes()) == (first.content, data)


def test_a_strangers_key_file_is_not_used(make: Make, wav: Callable[..., Path], tmp_path: Path) -> None:
    """A key file of another owner beside the output is refused and left alone."""
    stranger = ContentKeys(bytes(20), bytes(32), {1: bytes(32)})
    stranger.save(tmp_path / "out.sps.key")
    with pytest.raises(GomaaError, match=r"content\.owner"):
        make(wav(noise(1)))
    assert ContentKeys.load(tmp_path / "out.sps.key") == stranger


def test_key_epochs_of_the_policy(wav: Callable[..., Path], tmp_path: Path, deployment: Any, server: Any) -> None:
    """With key_epoch_s in the terms the segments are sealed with several keys, and all of them open."""
    policy = Policy.from_dict(
        {"permissions": ["play"], "price": {"interval_s": 5, "owner": 1, "reward": 0}, "key_epoch_s": 4}
    )
    made = convert(wav(noise(9)), tmp_path / "e.sps", policy, OWNER_KEY, deployment, server, ConvertOptions())
    keys = ContentKeys.load(made.key_path)
    assert (made.key_epochs, sorted(keys.keys)) == (3, [1, 2, 3])
    with SongFile(made.path) as song:
        assert song.header.renditions[0].key_epochs == ((1, 0), (2, 2), (3, 4))
        assert all(song.clear(index, keys) for index in range(made.segments))
