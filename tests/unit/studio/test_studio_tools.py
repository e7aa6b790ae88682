"""Inspect and verify: what they say of good files and of damaged ones."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from pywallet.encoding.hex import to_b64, to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from pywallet.sps import Container
from studio.commands import commands
from studio.convert import ConvertResult
from studio.inspect import inspect
from studio.owner import ContentKeys, load_owner_key, new_owner_key
from studio.verify import verify

COMMANDS = {command.name: command for command in commands}
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture
def song(make: Callable[..., ConvertResult], tmp_path: Path) -> ConvertResult:
    """Five seconds of noise, converted."""
    path = tmp_path / "noise.wav"
    samples = np.random.default_rng(5).integers(-9000, 9000, (220_500, 2)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(samples.tobytes())
    return make(path, title="Noise", artist="Nobody")


def failure(path: Path, keys: ContentKeys | None = None) -> str:
    """The code with which a file fails."""
    with pytest.raises(GomaaError) as caught:
        list(verify(path, keys))
    return caught.value.code


def test_a_good_file_passes_every_check(song: ConvertResult) -> None:
    """All checks are made and named."""
    names = [check.name for check in verify(song.path, ContentKeys.load(song.key_path))]
    assert names == ["signature", "policy", "size", "segments", "sound"]


@pytest.mark.parametrize("cut", [1, 100, 300_000])
def test_a_cut_file_is_truncated(song: ConvertResult, cut: int) -> None:
    """A missing end is found wherever it begins."""
    song.path.write_bytes(song.path.read_bytes()[:-cut])
    assert failure(song.path) == "sps.truncated"


def test_an_appended_byte_is_found(song: ConvertResult) -> None:
    """Nothing may follow the last segment."""
    song.path.write_bytes(song.path.read_bytes() + b"\0")
    assert failure(song.path) == "sps.header.malformed"


@pytest.mark.parametrize("where", ["init", "first", "last"])
def test_an_altered_part_is_found(song: ConvertResult, where: str) -> None:
    """One bit in the init part or in any segment fails its hash."""
    data = bytearray(song.path.read_bytes())
    body = Container.read(bytes(data)).body
    at = {"init": body + 20, "first": body + 1500, "last": len(data) - 1}[where]
    data[at] ^= 1
    song.path.write_bytes(data)
    assert failure(song.path) == "sps.segment.hash"


def test_an_altered_header_is_found(song: ConvertResult) -> None:
    """Another title under the same signature is refused."""
    song.path.write_bytes(song.path.read_bytes().replace(b"Noise", b"Voice", 1))
    assert failure(song.path) == "sps.header.signature"


def test_the_wrong_keys_are_found(song: ConvertResult) -> None:
    """Keys of the right content that don't open its segments fail the tag; another song's are named."""
    keys = ContentKeys.load(song.key_path)
    assert failure(song.path, ContentKeys(keys.content, keys.salt, {1: bytes(32)})) == "sps.segment.tag"
    assert failure(song.path, ContentKeys(bytes(20), keys.salt, keys.keys)) == "sps.segment.tag"


def test_inspect_is_json_without_numbers_that_round(song: ConvertResult, policy: Policy) -> None:
    """Amounts are decimal strings, and the object survives JSON."""
    facts = inspect(song.path)
    assert json.loads(json.dumps(facts)) == facts
    assert facts["policy"]["price"]["owner"] == str(policy.price.owner) == "10000000000000000"
    assert facts["content"] == to_hex(song.content)
    assert facts["policy_hash"] == to_hex(policy.hash)
    assert facts["renditions"][0]["segments"] == 3
    assert facts["size"] == song.path.stat().st_size


def test_owner_keys_are_made_once_and_private(tmp_path: Path) -> None:
    """A key file is 0600, reads back, and is never replaced."""
    path = tmp_path / "owner.key"
    key = new_owner_key(path)
    assert load_owner_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        new_owner_key(path)


@pytest.mark.parametrize("text", ["", "0x12", "0x" + "00" * 32, "0x" + "ff" * 32, "hello", "0x" + "zz" * 32])
def test_a_wrong_owner_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    """Not a key, zero, or beyond the curve's order; the text is not repeated."""
    path = tmp_path / "owner.key"
    path.write_text(text)
    with pytest.raises(GomaaError) as caught:
        load_owner_key(path)
    assert caught.value.code == "message.schema"
    assert len(text) < 3 or text not in str(caught.value)


def test_the_commands_work_together(tmp_path: Path, song: ConvertResult, deployment: Any) -> None:
    """Convert with a new key, inspect and verify by the command line, as JSON."""
    deployment.save(tmp_path / "network.json")
    options = {
        "-o": tmp_path / "cli.sps",
        "--policy": EXAMPLES / "policies" / "ten-plays.toml",
        "--key": tmp_path / "owner.key",
        "--deployment": tmp_path / "network.json",
        "--server": "http://127.0.0.1:9",
        "--server-address": to_hex(bytes(range(20))),
        "--server-key": to_b64(bytes(range(1, 33))),
    }
    arguments = [str(tmp_path / "noise.wav"), "--json", *(str(part) for pair in options.items() for part in pair)]
    missing = CliRunner().invoke(COMMANDS["convert"], arguments)
    assert missing.exit_code == 2
    assert "--new-key" in missing.output
    made = CliRunner().invoke(COMMANDS["convert"], [*arguments, "--new-key", "--html"], catch_exceptions=False)
    assert json.loads(made.stdout)["segments"] == 3
    again = CliRunner().invoke(COMMANDS["convert"], arguments)
    assert again.exit_code == 2
    assert "--force" in again.output
    seen = CliRunner().invoke(COMMANDS["inspect"], [str(tmp_path / "cli.sps"), "--json"], catch_exceptions=False)
    page = CliRunner().invoke(COMMANDS["inspect"], [str(tmp_path / "cli.sps.html"), "--json"], catch_exceptions=False)
    assert json.loads(page.output) == json.loads(seen.output)
    assert json.loads(seen.stdout)["policy"]["counts"]["play"] == {"limit": 10}
    words = CliRunner().invoke(COMMANDS["inspect"], [str(tmp_path / "cli.sps")], catch_exceptions=False)
    assert "play 10 times" in words.stdout
    good = CliRunner().invoke(COMMANDS["verify"], [str(tmp_path / "cli.sps"), "--json"], catch_exceptions=False)
    assert json.loads(good.stdout)["ok"] is True


def test_a_failed_verification_ends_with_its_code(song: ConvertResult) -> None:
    """The command fails with the code that the library raised."""
    song.path.write_bytes(song.path.read_bytes()[:-1])
    result = CliRunner().invoke(COMMANDS["verify"], [str(song.path)])
    assert result.exit_code != 0
    assert isinstance(result.exception, GomaaError)
    assert result.exception.code == "sps.truncated"
