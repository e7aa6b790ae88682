"""The device key: made once, whole, and private."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from native_host import device
from pywallet.errors import GomaaError


def test_the_key_is_made_once_and_only_for_its_user(tmp_path: Path) -> None:
    """The second load gives the same key, from a file of mode 600, and leaves nothing else behind."""
    path = tmp_path / "device.key"

    first, second = device.load(path), device.load(path)

    assert first == second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Group or world bits on the file stop the host."""
    path = tmp_path / "device.key"
    device.load(path)
    path.chmod(mode)

    with pytest.raises(GomaaError) as caught:
        device.load(path)

    assert caught.value.code == "host.device.key"


@pytest.mark.parametrize("text", ["", "zz", "00" * 32, "ff" * 32, "11" * 31])
def test_a_file_that_holds_no_key_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    """A damaged file is named, never overwritten."""
    path = tmp_path / "device.key"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(GomaaError) as caught:
        device.load(path)

    assert caught.value.code == "host.device.key"
    assert path.read_text() == text


def test_two_hosts_that_start_together_share_one_key(tmp_path: Path) -> None:
    """Processes racing to create the file all end with the same key."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        keys = pool.map(_address, [tmp_path / "device.key"] * 16)

    assert len(set(keys)) == 1


def _address(path: Path) -> bytes:
    return device.load(path).address


def test_listener_keys_differ_by_station_and_never_show(tmp_path: Path) -> None:
    """Each station sees another listener, and the private key is in no repr."""
    key = device.load(tmp_path / "device.key")

    assert key.listener_key(b"a" * 20) == key.listener_key(b"a" * 20) != key.listener_key(b"b" * 20)
    assert key.private_key.hex() not in repr(key)
