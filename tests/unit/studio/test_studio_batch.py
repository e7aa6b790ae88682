"""Folders and pipes: what becomes a song, what is kept, and what an interruption leaves."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from chain.deployment import Deployment
from demo.waiting import wait_until
from pywallet.encoding.hex import to_b64, to_hex
from studio.audio import MAX_SECONDS
from studio.batch import find_recordings
from studio.commands import commands
from studio.inspect import inspect
from studio.owner import ContentKeys
from studio.verify import verify
from tests.dask_cluster import cluster
from tests.unit.studio.conftest import EXAMPLES, OWNER_KEY

CONVERT = next(command for command in commands if command.name == "convert")


def recording(path: Path, seconds: float = 2.5, seed: int = 1) -> Path:
    """Mono noise as a WAV file, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(
            np.random.default_rng(seed).integers(-9000, 9000, round(seconds * 44_100)).astype("<i2").tobytes()
        )
    return path


@pytest.fixture
def options(tmp_path: Path, deployment: Deployment) -> list[str]:
    """A command line's usual options, with files behind them."""
    (tmp_path / "owner.key").write_text(to_hex(OWNER_KEY))
    (tmp_path / "owner.key").chmod(0o600)
    deployment.save(tmp_path / "network.json")
    out = {
        "--policy": EXAMPLES / "policies" / "free-radio.toml",
        "--key": tmp_path / "owner.key",
        "--deployment": tmp_path / "network.json",
        "--server": "http://127.0.0.1:9",
        "--server-address": to_hex(bytes(range(20))),
        "--server-key": to_b64(bytes(range(1, 33))),
    }
    return ["--no-watermark", "--no-features", *(str(part) for pair in out.items() for part in pair)]


def call(*arguments: Any, data: bytes | None = None) -> Result:
    """Run ``gomaa convert``."""
    return CliRunner().invoke(CONVERT, [str(argument) for argument in arguments], input=data)


def test_a_folder_becomes_a_folder_of_songs(tmp_path: Path, options: list[str]) -> None:
    """Folders are walked, hidden and other files left alone, songs laid out alike and made by two processes."""
    source, out = tmp_path / "music", tmp_path / "songs"
    for name in ("one.wav", "deep/er/two.wav", ".hidden.wav", ".cache/three.wav"):
        recording(source / name)
    (source / "notes.txt").write_text("not music")
    said = call(source, "-o", out, *options, "--jobs", 2, "--json", "--artist", "Lamplight")
    assert said.exit_code == 0, said.output
    facts = json.loads(said.stdout)
    assert [Path(song["path"]).relative_to(out) for song in facts["made"]] == [Path("one.sps"), Path("deep/er/two.sps")]
    assert {(song["title"], song["artist"]) for song in facts["made"]} == {("one", "Lamplight"), ("two", "Lamplight")}
    assert sorted(p.name for p in out.rglob("*") if p.is_file()) == ["one.sps", "one.sps.key", "two.sps", "two.sps.key"]


def test_finished_songs_are_kept(tmp_path: Path, options: list[str]) -> None:
    """A second run makes only what is missing and leaves the rest untouched."""
    source, out = tmp_path / "music", tmp_path / "songs"
    recording(source / "one.wav")
    assert call(source, "-o", out, *options, "--json").exit_code == 0
    before = (out / "one.sps").read_bytes()
    recording(source / "two.wav", seed=2)
    facts = json.loads(call(source, "-o", out, *options, "--json").stdout)
    assert [Path(row["path"]).name for row in facts["kept"]] == ["one.sps"]
    assert [Path(row["path"]).name for row in facts["made"]] == ["two.sps"]
    assert (out / "one.sps").read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "terms", "owner"])
def test_a_song_that_is_not_this_one_is_neither_kept_nor_replaced(
    tmp_path: Path, options: list[str], damage: str
) -> None:
    """A cut file, other terms or another owner's song under the name is a failure with its code; the file stays."""
    source, out = tmp_path / "music", tmp_path / "songs"
    recording(source / "one.wav")
    assert call(source, "-o", out, *options).exit_code == 0
    if damage == "cut":
        (out / "one.sps").write_bytes((out / "one.sps").read_bytes()[:-1])
    elif damage == "terms":
        options[options.index("--policy") + 1] = str(EXAMPLES / "policies" / "ten-plays.toml")
    else:
        (tmp_path / "owner.key").write_text(to_hex(bytes(range(2, 34))))
    before = (out / "one.sps").read_bytes()
    said = call(source, "-o", out, *options, "--json")
    expected = {"cut": "sps.truncated", "terms": "sps.policy.mismatch", "owner": "content.owner"}[damage]
    assert said.exit_code == 1
    assert [row["code"] for row in json.loads(said.stdout)["failed"]] == [expected]
    assert (out / "one.sps").read_bytes() == before


def test_one_bad_recording_spoils_no_other(tmp_path: Path, options: list[str]) -> None:
    """The others are made, the bad one is named with its code, and the command fails."""
    source, out = tmp_path / "music", tmp_path / "songs"
    recording(source / "good.wav")
    (source / "bad.wav").write_bytes(b"RIFF, but no music")
    said = call(source, "-o", out, *options, "--jobs", 2, "--json")
    facts = json.loads(said.stdout)
    assert said.exit_code == 1
    assert [row["code"] for row in facts["failed"]] == ["media.decode"]
    assert len(facts["made"]) == 1
    assert sorted(p.name for p in out.iterdir()) == ["good.sps", "good.sps.key"]


@pytest.mark.long
def test_a_catalogue_is_the_same_from_workers_and_from_a_cluster(
    tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Songs, names in messages or the failed recording would depend on who makes them; paths are relative."""
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        recording(Path(f"music/{number}.wav"), seed=number)
    Path("music/bad.wav").write_bytes(b"RIFF, but no music")

    def made(*where: Any) -> tuple[dict[str, bytes], Any]:
        # With its kept key file a song has the same address and keys again.
        for song in Path("songs").glob("*.sps"):
            song.unlink()
        said = call("music", "-o", "songs", *options, *where, "--json")
        assert said.exit_code == 1
        facts = json.loads(said.stdout)
        for song in facts["made"]:
            del song["elapsed_s"]
        return {path.name: path.read_bytes() for path in Path("songs").iterdir()}, facts

    made()
    alone = made("--workers", 1)
    assert [row["path"] for row in alone[1]["made"]] == [f"songs/{number}.sps" for number in range(3)]
    assert [(row["source"], row["code"]) for row in alone[1]["failed"]] == [("music/bad.wav", "media.decode")]
    assert made("--workers", 2) == alone
    with cluster(tmp_path) as running:
        assert made("--dask", running.address) == alone
    refused = call("music", "-o", "others", *options, "--dask", "tcp://10.0.0.1:8786")
    assert str(refused.exception).startswith("spread.plain: ")


def test_a_killed_conversion_goes_on(tmp_path: Path, options: list[str]) -> None:
    """After SIGKILL in the middle nothing unfinished has a song's name, and the next run makes what is missing."""
    source, out = tmp_path / "music", tmp_path / "songs"
    recording(source / "a.wav", 2)
    recording(source / "b.wav", 600)
    process = subprocess.Popen([sys.executable, "-m", "gomaa", "convert", source, "-o", out, *options, "--jobs", "1"])
    wait_until(lambda: (out / "a.sps").exists() or process.poll() is not None, "the first song is made")
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "b.sps").exists()
    recording(source / "b.wav", 3)
    facts = json.loads(call(source, "-o", out, *options, "--json").stdout)
    assert [len(facts[kind]) for kind in ("made", "kept", "failed")] == [1, 1, 0]
    assert list(verify(out / "b.sps", ContentKeys.load(out / "b.sps.key")))


def test_a_dry_run_writes_nothing(tmp_path: Path, options: list[str]) -> None:
    """It names what would be made, kept and refused, without a key, a server or a file written."""
    source, out = tmp_path / "music", tmp_path / "songs"
    recording(source / "good.wav", 3)
    (source / "bad.wav").write_bytes(b"no music")
    (tmp_path / "owner.key").unlink()
    before = sorted(tmp_path.rglob("*"))
    said = call(source, "-o", out, *options, "--dry-run", "--json")
    rows = {Path(row["source"]).name: row for row in json.loads(said.stdout)["would"]}
    assert (rows["good.wav"]["action"], rows["good.wav"]["seconds"], rows["good.wav"]["rate"]) == (
        "convert",
        3.0,
        44_100,
    )
    assert (rows["bad.wav"]["action"], rows["bad.wav"]["code"]) == ("refuse", "media.decode")
    assert sorted(tmp_path.rglob("*")) == before
    assert "convert  " in call(source, "-o", out, *options, "--dry-run").stdout


def test_recordings_that_differ_in_their_ending_become_two_songs(tmp_path: Path) -> None:
    """song.wav and song.flac keep their endings; a lone one loses it."""
    for name in ("a.wav", "a.flac", "b.wav"):
        (tmp_path / name).touch()
    assert [place.name for _, place in find_recordings([tmp_path], Path("out"))] == ["a.flac.sps", "a.wav.sps", "b.sps"]


def test_standard_input_is_a_song(tmp_path: Path, options: list[str]) -> None:
    """A WAV whose writer did not know its length comes through a pipe, whole."""
    data = bytearray(recording(tmp_path / "x.wav", 3).read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    said = call("-", "-o", tmp_path / "x.sps", *options, "--json", "--title", "Piped", data=bytes(data))
    assert said.exit_code == 0, said.output
    facts = json.loads(said.stdout)
    assert (facts["title"], facts["samples"]) == ("Piped", 3 * 44_100)


def test_options_of_one_song_name_only_one(tmp_path: Path, options: list[str]) -> None:
    """--title is left to the tags where there are several songs; - stands alone; several songs need a folder."""
    source = tmp_path / "music"
    recording(source / "one.wav")
    facts = json.loads(call(source, "-o", tmp_path / "songs", *options, "--json", "--title", "All the same").stdout)
    assert facts["made"][0]["title"] == "one"
    assert call("-", source, "-o", tmp_path / "songs", *options).exit_code == 2
    assert call(source, "-o", source / "one.wav", *options).exit_code == 2


def test_songs_are_marked_unless_told_otherwise(tmp_path: Path, options: list[str]) -> None:
    """The command embeds the ultrasonic layer by itself, both layers on demand, and none with --no-watermark."""
    source = recording(tmp_path / "x.wav", 3)
    layers = []
    for number, wish in enumerate(
        ([], ["--layer", "ultrasonic", "--layer", "inband", "--every", "2"], ["--no-watermark"])
    ):
        song = tmp_path / f"{number}.sps"
        assert (
            call(source, "-o", song, *[option for option in options if option != "--no-watermark"], *wish).exit_code
            == 0
        )
        layers.append((inspect(song)["watermark"] or {}).get("layers"))
        assert inspect(song)["renditions"][0]["samples"] == 3 * 44_100
    assert layers == [["ultrasonic"], ["ultrasonic", "inband"], None]


def test_a_recording_beyond_the_tables_room_is_refused_at_once(tmp_path: Path, options: list[str]) -> None:
    """A WAV that declares three days is refused in words before anything is decoded."""
    path, buffer = tmp_path / "days.wav", io.BytesIO()
    rate, length = 8000, 8000 * (MAX_SECONDS + 86_400)
    buffer.write(b"RIFF" + (length + 36).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little"))
    buffer.write((1).to_bytes(2, "little") + (1).to_bytes(2, "little") + rate.to_bytes(4, "little") * 2)
    buffer.write(
        (1).to_bytes(2, "little") + (8).to_bytes(2, "little") + b"data" + length.to_bytes(4, "little") + bytes(8000)
    )
    path.write_bytes(buffer.getvalue())
    with path.open("r+b") as file:
        file.truncate(44 + length)
    said = call(path, "-o", tmp_path / "days.sps", *options)
    assert said.exit_code == 1
    assert "longer than 48 hours" in str(said.exception)
