"""The device key file: created once, complete and private."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from native_host import device_key
from pywallet.crypto import address_of
from pywallet.errors import GomaaError


def test_the_key_is_created_once_and_private(tmp_path: Path) -> None:
    """A second load returns the same key; the file has mode 600 and no temporary file remains."""
    path = tmp_path / "device.key"

    first, second = device_key.load(path), device_key.load(path)

    assert first == second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Group or other permission bits are ``host.device.key``."""
    path = tmp_path / "device.key"
    device_key.load(path)
    path.chmod(mode)

    with pytest.raises(GomaaError) as caught:
        device_key.load(path)

    assert caught.value.code == "host.device.key"


@pytest.mark.parametrize("text", ["", "zz", "00" * 32, "ff" * 32, "11" * 31])
def test_a_file_that_holds_no_key_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    """A damaged file is named in the error and not overwritten."""
    path = tmp_path / "device.key"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(GomaaError) as caught:
        device_key.load(path)

    assert caught.value.code == "host.device.key"
    assert path.read_text() == text


def test_two_hosts_that_start_together_share_one_key(tmp_path: Path) -> None:
    """Processes that create the file at the same time load the same key."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        keys = pool.map(_address, [tmp_path / "device.key"] * 16)

    assert len(set(keys)) == 1


def _address(path: Path) -> bytes:
    return device_key.load(path).private_key


def test_keys_differ_by_server_and_station_and_are_not_in_repr(tmp_path: Path) -> None:
    """Listener keys differ by station, device keys by server and station; no ``repr`` contains a key."""
    one = device_key.load(tmp_path / "device.key")
    a, b = b"a" * 20, b"b" * 20

    assert one.listener_key(a) == one.listener_key(a)
    keys = [
        one.private_key,
        one.listener_key(a),
        one.listener_key(b),
        *(one.key(server, station) for server in (a, b) for station in (a, b)),
    ]
    assert len(set(keys)) == len(keys)
    assert len({one.address(server, station) for server in (a, b) for station in (a, b)}) == 4
    assert len({device_key.fresh_key() for _ in range(3)}) == 3
    assert not any(key.hex() in repr(one) for key in keys)


def test_key_of_finds_the_device_of_a_session(tmp_path: Path) -> None:
    """Also for a session of a version without derived keys; not for a device of another station."""
    one = device_key.load(tmp_path / "device.key")
    a, b = b"a" * 20, b"b" * 20

    assert one.key_of(one.address(a, b), (a,), b) == one.key(a, b)
    assert one.key_of(one.address(b, b), (a, b), b) == one.key(b, b)
    assert one.key_of(address_of(one.private_key), (a,), b) == one.private_key
    assert one.key_of(one.address(a, b), (a, b), a) is None
