"""Reading: blind, at any place, rate and speed, several at once, and never a wrong address."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st
from scipy.signal import resample

from pywallet.errors import InputError
from pywallet.sps import mark
from tests.budget import budget
from tests.unit.watermark.conftest import Samples, marked, music
from watermark.candidates import AddressCandidates, codewords
from watermark.coding import codeword, viterbi
from watermark.detection import Detection
from watermark.read import WatermarkReader, read
from watermark.source import channel_views

ADDRESS, SECOND, THIRD = bytes(range(20)), b"\xaa" * 20, b"\x5a" * 20
ULTRASONIC = ("ultrasonic",)


def heard(
    sound: Samples, rate: int, layers: tuple[str, ...] = ULTRASONIC, candidates: tuple[bytes, ...] = ()
) -> list[Detection]:
    """What a reader makes of samples that come in odd pieces."""
    reader = WatermarkReader(rate, layers, candidates)
    mono = (sound.mean(axis=1) if sound.ndim == 2 else sound).astype(np.float32)
    out = [found for part in np.array_split(mono, 7) for found in reader.process(part)]
    return [*out, *reader.finish()]


@budget(0.06, phases=[Phase.explicit, Phase.generate])
@given(
    st.binary(min_size=20, max_size=20),
    st.sampled_from([44_100, 48_000]),
    st.floats(4.5, 9),
    st.floats(0, 1.9),
    st.integers(1, 3),
)
def test_any_address_is_read_from_any_place(
    address: bytes, rate: int, seconds: float, offset: float, channels: int
) -> None:
    """Every whole block of a clip cut anywhere is read, at its place to the sample, and nothing else."""
    first = round(offset * rate)
    found = heard(marked(music(seconds, rate, channels), address, rate, layers=ULTRASONIC)[first:], rate)
    whole = [k for k in range(5) if 2 * k * rate >= first and 2 * (k + 1) * rate <= round(seconds * rate)]
    assert {f.address for f in found} == {address}
    assert set(whole) <= {f.block for f in found}
    assert len({f.block for f in found}) == len(found)
    for f in found:
        assert f.block is not None
        assert abs(f.position_s - (2 * f.block - first / rate)) < 1e-4


@pytest.mark.parametrize("speed", [0.96, 0.985, 1.007, 1.04])
def test_a_song_played_faster_or_slower(speed: float) -> None:
    """The pilot tone gives the speed; at 44.1 kHz, too, 4 % either way reads every block."""
    sound = marked(music(12, 44_100, 1), ADDRESS, 44_100, layers=ULTRASONIC)[:, 0]
    found = heard(resample(sound, round(len(sound) / speed)), 44_100)
    assert [f.block for f in found] == list(range(6))
    assert all(abs(f.speed - speed) < 2e-5 and f.address == ADDRESS for f in found)


def stereo(sound: Samples, rate: int, layers: tuple[str, ...] = ULTRASONIC) -> list[Detection]:
    """What a reader makes of both channels, their sum and their difference."""
    seen = channel_views(sound)
    reader = WatermarkReader(rate, layers, views=seen.shape[1])
    return [*(found for part in np.array_split(seen, 5) for found in reader.process(part)), *reader.finish()]


@pytest.mark.parametrize("treated", ["right inverted", "left only", "difference", "inverted from 5 s", "as it was"])
def test_a_mark_in_one_channel_or_in_the_difference_is_read(treated: str) -> None:
    """An inverted channel, a lost one, a recording kept as difference.

    Every block once, which the mean would not give.
    """
    rate = 44_100
    sound = marked(music(12, rate, 2), ADDRESS, rate, layers=ULTRASONIC)
    if treated == "right inverted":
        sound[:, 1] *= -1
    elif treated == "left only":
        sound[:, 1] = music(12, rate, 1, 7)[:, 0] * 2
    elif treated == "difference":
        noise = np.random.default_rng(3).normal(0, 0.02, len(sound))
        sound = np.stack([sound[:, 0] / 2 + noise, noise - sound[:, 0] / 2], axis=1)
    elif treated == "inverted from 5 s":
        sound[5 * rate :, 1] *= -1
    found = stereo(sound, rate)
    assert sorted(f.block for f in found if f.block is not None) == sorted({f.block for f in found})
    assert {f.address for f in found} == {ADDRESS}
    assert len(found) >= (5 if treated == "inverted from 5 s" else 6)


def test_alike_channels_cost_one_view() -> None:
    """Where all channels are the same the mean says everything: the other views are silent."""
    seen = channel_views(np.repeat(music(0.1, 44_100, 1), 3, axis=1))
    assert seen.shape[1] == 5
    assert not seen[:, 1:].any()
    assert seen[:, 0].any()


def test_three_songs_at_once() -> None:
    """A crossfade of three contents, one of them 2 % fast, the weakest 12 dB down: each is told, and no other."""
    rate = 44_100
    sounds = [
        marked(music(22, rate, 1, n), a, rate, layers=ULTRASONIC)[:, 0]
        for n, a in enumerate((ADDRESS, SECOND, THIRD), 1)
    ]
    fast = resample(sounds[1], round(len(sounds[1]) / 1.02))
    mix = 0.6 * sounds[0][: 20 * rate]
    mix[30_000:] += 0.4 * fast[: 20 * rate - 30_000]
    mix[61_111:] += 0.15 * sounds[2][: 20 * rate - 61_111]
    found = heard(np.rint(mix * 32767) / 32768, rate)
    counts = [sum(f.address == a for f in found) for a in (ADDRESS, SECOND, THIRD)]
    assert sum(counts) == len(found)
    assert counts[0] == 10
    assert counts[1] >= 8
    assert counts[2] >= 7


def test_a_list_reads_what_the_checksum_does_not() -> None:
    """A mark buried in noise.

    Nothing without a list, its content by agreement of two blocks with one, at the right place.
    """
    rate = 48_000
    sound = marked(music(24, rate, 1), ADDRESS, rate, layers=ULTRASONIC)[:, 0]
    buried = sound + np.random.default_rng(5).normal(0, 10 ** (-31.5 / 20), len(sound))
    others = tuple(bytes([n]) * 20 for n in range(40, 90))
    blind = heard(buried, rate)
    listed = heard(buried, rate, candidates=(*others, ADDRESS))
    assert {f.address for f in [*blind, *listed]} <= {ADDRESS}
    assert len(listed) > len(blind) + 2
    assert all(abs(f.position_s - 2 * (f.block or 0)) < 2e-3 for f in listed)


def test_unmarked_sound_names_nobody() -> None:
    """Noise, music, silence and a tone at the pilot's place: no mark, with and without a list."""
    rate = 48_000
    t = np.arange(50 * rate) / rate
    for sound in (
        np.random.default_rng(1).normal(0, 0.2, 50 * rate),
        music(50, rate, 1)[:, 0],
        np.zeros(50 * rate),
        0.3 * np.sin(2 * np.pi * 20_020 * t),
    ):
        assert heard(sound, rate, ("ultrasonic", "inband"), (ADDRESS, SECOND)) == []


@pytest.mark.parametrize(("codec", "name"), [("libmp3lame", "a.mp3"), ("aac", "a.m4a"), ("libopus", "a.opus")])
def test_the_inband_layer_survives_lossy_copies(codec: str, name: str, tmp_path: Path) -> None:
    """MP3, AAC and Opus at 128 kbit/s: the address is read from 44 seconds."""
    rate = 48_000
    sound = marked(music(44, rate), ADDRESS, rate)
    path = tmp_path / name
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="stereo")
        stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(
            np.rint(sound * 32767).astype(np.int16).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate = rate
        fifo = av.AudioFifo()
        fifo.write(frame)
        while part := fifo.read(stream.codec_context.frame_size or 960, partial=True):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    found = read(path)
    assert {(f.address, f.layer) for f in found} == {(ADDRESS, "inband")}


@pytest.mark.parametrize("rate", [88_200, 96_000, 192_000])
def test_high_rates_and_many_channels(rate: int, wav: Callable[..., Path]) -> None:
    """Eight channels at up to 192 kHz are marked and read."""
    path = wav("high.wav", marked(music(4.5, rate, 8), ADDRESS, rate, layers=ULTRASONIC), rate)
    assert [f.block for f in read(path)][:2] == [0, 1]


def test_a_file_that_ends_early_is_read_up_to_there(wav: Callable[..., Path]) -> None:
    """Half a WAV gives half the blocks."""
    path = wav("whole.wav", marked(music(8, 48_000), ADDRESS, 48_000, layers=ULTRASONIC), 48_000)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 + 1000])
    assert [f.block for f in read(path)][:2] == [0, 1]


@pytest.mark.parametrize(("rate", "code"), [(8000, "media.unsupported"), (16_000, "media.unsupported")])
def test_rates_that_carry_no_mark_are_told(rate: int, code: str, wav: Callable[..., Path]) -> None:
    """A telephone's rate is refused in words, not answered with "no mark"."""
    with pytest.raises(InputError) as refused:
        read(wav("low.wav", music(2, rate, 1), rate))
    assert refused.value.code == code
    assert str(rate) in str(refused.value)


def test_what_is_no_audio_is_refused(tmp_path: Path, wav: Callable[..., Path]) -> None:
    """Garbage, an empty file and a WAV without samples have codes; a missing file is an OSError."""
    for name, data in (("g.wav", b"\x55" * 5000), ("e.wav", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=r"media\.decode"):
            read(tmp_path / name)
    with pytest.raises(InputError, match=r"media\.decode"):
        read(wav("none.wav", np.zeros((0, 2)), 48_000))
    with pytest.raises(OSError, match="No such file"):
        read(tmp_path / "missing.wav")


def test_the_viterbi_of_both_kinds_agree() -> None:
    """Numpy's many rows and pure Python's one decode the same noise to the same bits."""
    soft = np.random.default_rng(6).normal(0, 1, (3, mark.CODED_BITS)) + 0.5 * codeword(ADDRESS, 77)
    assert [row.tolist() for row in viterbi(soft)] == [mark.viterbi(np.float32(row).tolist()) for row in soft]


def test_codewords_of_many_counters_are_the_encoders() -> None:
    """The quick way of encoding 4096 counters gives what the slow one gives."""
    many = codewords(ADDRESS, range(0, 4096, 511))
    assert np.array_equal(many, np.stack([codeword(ADDRESS, k) for k in range(0, 4096, 511)]))


def test_one_leaning_block_is_not_enough() -> None:
    """A candidate is told only when two blocks agree in counter and time."""
    listed = AddressCandidates([ADDRESS, SECOND])
    first, wrong, second = (
        listed.match(codeword(ADDRESS, k).astype(np.float32), at, 1.0) for k, at in ((3, 6.0), (4, 9.0), (5, 10.0))
    )
    assert first is not None
    assert wrong is not None
    assert second is not None
    assert list(listed.confirmed(first)) == []
    assert list(listed.confirmed(wrong)) == []
    assert [lean.block for lean in listed.confirmed(second)] == [3, 5]
    assert listed.match(np.random.default_rng(1).normal(0, 1, 420).astype(np.float32), 0.0, 1.0) is None


def test_the_commands(tmp_path: Path, wav: Callable[..., Path]) -> None:
    """``gomaa watermark embed`` then ``read``, from a file and from standard input, and a refusal's exit code."""
    source, out = wav("in.wav", music(5, 44_100), 44_100), tmp_path / "out.wav"
    gomaa = [sys.executable, "-c", "from gomaa.cli import main; main()", "watermark"]
    address = "0x" + ADDRESS.hex()
    subprocess.run([*gomaa, "embed", source, "-o", out, "--address", address], check=True, capture_output=True)
    from_file = subprocess.run([*gomaa, "read", out], check=True, capture_output=True, text=True).stdout
    piped = subprocess.run(
        [*gomaa, "read", "-", "--json"], check=True, capture_output=True, input=out.read_bytes()
    ).stdout
    assert address in from_file
    assert b'"block": 1' in piped
    assert out.stat().st_size == source.stat().st_size
    bad = subprocess.run([*gomaa, "read", Path(__file__)], check=False, capture_output=True, text=True)
    assert (bad.returncode, "media.decode" in bad.stderr) == (1, True)
