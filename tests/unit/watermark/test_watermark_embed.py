"""Embedding: as many samples out as in, the same however they come in, and nothing that can be heard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import InputError
from tests.budget import budget
from tests.unit.watermark.conftest import Samples, music
from watermark.embed import Embedder
from watermark.parameters import BLOCK_S, WatermarkParameters
from watermark.ultrasonic import block_waveform

ADDRESS = bytes(range(20))


def whole(sound: Samples, rate: int, cuts: tuple[int, ...] = (), **options: object) -> Samples:
    """Marked in the pieces that ``cuts`` make."""
    embedder = Embedder(ADDRESS, rate, sound.shape[1], **options)  # type: ignore[arg-type]
    parts = [embedder.process(part) for part in np.split(sound, cuts)]
    return np.concatenate([*parts, embedder.finish()])


def change_db(before: Samples, after: Samples, rate: int, low: float, high: float) -> float:
    """The level of the difference between two frequencies, in dBFS (rms)."""
    difference = (np.asarray(after, np.float64) - before)[:, 0]
    size = 1 << 14
    frames = np.lib.stride_tricks.sliding_window_view(difference, size)[:: size // 2]
    window = np.hanning(size)
    power = (np.abs(np.fft.rfft(frames * window)) ** 2).mean(axis=0) * 2 / (size * (window**2).sum())
    frequency = np.fft.rfftfreq(size, 1 / rate)
    return float(10 * np.log10(power[(frequency >= low) & (frequency < high)].sum() + 1e-30))


@budget(0.15)
@given(
    st.integers(0, 150_000),
    st.lists(st.integers(0, 150_000), max_size=5),
    st.sampled_from([("ultrasonic",), ("inband",), ("ultrasonic", "inband")]),
    st.booleans(),
    st.sampled_from([44_100, 48_000]),
)
def test_samples_stay_in_their_places(
    length: int, cuts: list[int], layers: tuple[str, ...], clean: bool, rate: int
) -> None:
    """Any length in any pieces: as many samples, and the same as all at once."""
    sound = np.random.default_rng(length).normal(0, 0.1, (length, 1))
    once = whole(sound, rate, layers=layers, clean=clean)
    pieces = whole(sound, rate, tuple(sorted(min(cut, length) for cut in cuts)), layers=layers, clean=clean)
    assert once.shape == pieces.shape == sound.shape
    assert np.abs(once - pieces).max(initial=0) < 1e-6


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("clean", [True, False])
def test_nothing_audible_changes(rate: int, clean: bool) -> None:
    """The ultrasonic layer changes less than -90 dBFS below 19.5 kHz, in loud noise as in 16 bits, and stands at -60
    above.
    """
    sound = np.random.default_rng(2).normal(0, 0.2, (6 * rate, 1)) if clean else music(6, rate, 1)
    out = whole(sound, rate, layers=("ultrasonic",), clean=clean)
    quantised = np.rint(out * 32767) / 32767
    middle = slice(rate // 2, -rate // 2)
    assert change_db(sound[middle], out[middle], rate, 0, 19_500) < -95
    assert change_db(sound[middle], quantised[middle], rate, 0, 19_500) < -90
    assert change_db(np.zeros_like(out) if clean else sound, out, rate, 20_040, 21_220) == pytest.approx(-60, abs=1.5)


def test_cleaning_makes_room() -> None:
    """The host's own sound in the mark's band is gone, but for the mark."""
    sound = np.random.default_rng(3).normal(0, 0.2, (4 * 48_000, 1))
    out = whole(sound, 48_000, layers=("ultrasonic",))
    assert change_db(np.zeros_like(out), out, 48_000, 21_300, 23_900) < -100


def test_double_precision_for_24_bits() -> None:
    """With ``depth`` 24 the change of silence is the mark to the last of 24 bits."""
    out = whole(np.zeros((2 * 48_000, 1)), 48_000, layers=("ultrasonic",), depth=24)
    assert out.dtype == np.float64
    assert np.abs(out[:, 0] - block_waveform(ADDRESS, 0, 48_000, dtype="float64")).max() < 2**-26


def test_every_third_segment_carries_a_block() -> None:
    """Block k stands in segment k; the segments between hold the pilot tone alone."""
    out = whole(np.zeros((9 * 48_000, 1)), 48_000, layers=("ultrasonic",), clean=False, every=3)[:, 0]
    size = BLOCK_S * 48_000
    assert np.allclose(out[:size], block_waveform(ADDRESS, 0, 48_000), atol=1e-6)
    assert np.allclose(out[3 * size : 4 * size], block_waveform(ADDRESS, 3, 48_000), atol=1e-6)
    tone = 10 ** (-70 / 20)
    assert np.sqrt((out[size : 3 * size] ** 2).mean()) == pytest.approx(tone, rel=0.01)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"rate": 8000}, "media.unsupported"),
        ({"rate": 32_000}, "media.unsupported"),
        ({"rate": 8000, "layers": ("inband",)}, "media.unsupported"),
        ({"layers": ()}, "message.schema"),
        ({"layers": ("loud",)}, "message.schema"),
        ({"every": 0}, "message.schema"),
        ({"level": -10}, "message.schema"),
        ({"depth": 8}, "message.schema"),
        ({"channels": 0}, "message.schema"),
        ({"address": b"short"}, "message.schema"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], code: str) -> None:
    """Rates that cannot carry a layer and strange options are refused with a code."""
    with pytest.raises(InputError) as refused:
        Embedder(**{"address": ADDRESS, "rate": 48_000, "channels": 2, **options})  # type: ignore[arg-type]
    assert refused.value.code == code


def test_samples_that_are_no_numbers_are_refused() -> None:
    """A NaN would spread over everything after it."""
    with pytest.raises(InputError, match=r"media\.decode"):
        Embedder(ADDRESS, 48_000, 1).process(np.full((10, 1), np.nan))
    with pytest.raises(InputError, match=r"message\.schema"):
        Embedder(ADDRESS, 48_000, 1).process(np.zeros((10, 2)))


def test_the_header_says_what_is_in_the_sound() -> None:
    """Whole numbers only, as the header's encoding wants them, and only of the layers that are there."""
    marks = WatermarkParameters(44_100, ("ultrasonic",), 2).to_map()
    assert (marks["version"], marks["layers"], marks["every"], marks["ultrasonic"]["block_ms"]) == (
        1,
        ["ultrasonic"],
        2,
        2000,
    )
    assert "inband" not in marks
    assert all(type(value) is int for value in marks["ultrasonic"].values())
    assert WatermarkParameters(48_000).to_map()["inband"]["block_ms"] == 11_000
