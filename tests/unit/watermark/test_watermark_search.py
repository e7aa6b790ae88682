"""Search of an archive: every recording in its order, whoever reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pywallet.encoding.hex import to_hex
from tests.dask_cluster import cluster
from tests.unit.watermark.conftest import marked, music
from watermark.commands import watermark

ADDRESSES = (b"\x52" * 20, b"\x63" * 20)


@pytest.fixture
def archive(tmp_path: Path, wav: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two marked recordings, one without a mark, one at a low rate, and two files that are none."""
    folder = tmp_path / "archive"
    (folder / "deep").mkdir(parents=True)
    sounds: dict[str, tuple[Any, int]] = {
        "a.wav": (marked(music(4.5, 44_100), ADDRESSES[0], 44_100), 44_100),
        "b.wav": (music(3, 44_100), 44_100),
        "deep/c.wav": (marked(music(4.5, 44_100), ADDRESSES[1], 44_100), 44_100),
        "low.wav": (music(3, 22_050), 22_050),
    }
    for name, (samples, rate) in sounds.items():
        wav("sound.wav", samples, rate).rename(folder / name)
    (folder / "bad.mp3").write_bytes(b"no music")
    (folder / "notes.txt").write_text("no recording")
    monkeypatch.chdir(tmp_path)
    return folder


def call(*arguments: Any) -> Result:
    """Run ``gomaa watermark``."""
    return CliRunner().invoke(watermark, [str(argument) for argument in arguments])


@pytest.mark.long
def test_an_archive_is_read_the_same_by_workers_and_a_cluster(archive: Path) -> None:
    """A mark would be missed, told of another file, or the order depend on who reads."""
    said = call("search", "archive", "--json")
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    names = ["a.wav", "b.wav", "bad.mp3", "low.wav", "deep/c.wav"]
    assert [row["file"] for row in rows] == [f"archive/{name}" for name in names]
    found = [{mark["address"] for mark in row.get("marks", [])} for row in rows]
    assert found == [{to_hex(ADDRESSES[0])}, set(), set(), set(), {to_hex(ADDRESSES[1])}]
    assert (rows[2]["error"]["code"], "note" in rows[3], said.exit_code) == ("media.decode", True, 1)
    whole = call("read", "archive/a.wav", "--json")
    assert json.loads(whole.stdout)["marks"] == rows[0]["marks"]
    with cluster(archive.parent) as running:
        for where in (("--workers", 2), ("--dask", running.address)):
            again = call("search", "archive", "--json", *where)
            assert (again.stdout, again.exit_code) == (said.stdout, said.exit_code)


def test_the_text_names_each_file(archive: Path) -> None:
    """A reader could not tell which file a mark is of."""
    said = call("search", "archive/a.wav", "archive/b.wav")
    lines = said.stdout.splitlines()
    assert (lines[0], lines[1]) == ("archive/a.wav", f"  {to_hex(ADDRESSES[0])}")
    assert lines[-2:] == ["archive/b.wav", "  no mark found"]
    assert said.exit_code == 0
