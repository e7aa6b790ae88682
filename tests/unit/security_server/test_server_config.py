"""Configuration and keys."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from pywallet.errors import InputError
from security_server.commands import server
from security_server.config import Config, Keys


def test_keys_are_private_and_never_overwritten(tmp_path: Path) -> None:
    """The key file is 0600, loads again, and a second init leaves it as it is."""
    path = tmp_path / "keys.json"
    first = CliRunner().invoke(server, ["init", "--keys", str(path)])
    assert first.exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    assert CliRunner().invoke(server, ["init", "--keys", str(path)]).exit_code == 1
    assert path.read_bytes() == before
    keys = Keys.load(path)
    assert keys.address.hex() in first.output
    assert keys.admin not in first.output
    assert keys.admin not in repr(keys)


def test_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    """A key file with wide permissions stops the server."""
    path = tmp_path / "keys.json"
    Keys.make().save(path)
    path.chmod(0o644)
    with pytest.raises(InputError):
        Keys.load(path)


def test_a_configuration_names_what_is_wrong(tmp_path: Path) -> None:
    """Unknown, missing and mistyped fields are named; relative paths start at the file."""
    path = tmp_path / "server.toml"
    path.write_text('deployment = "d.json"\nkeys = "k.json"\nport = 0\ndatabase = "s.db"\n')
    config = Config.from_toml(path, port=9)
    assert (config.deployment, config.port, config.url) == (tmp_path / "d.json", 9, f"sqlite:///{tmp_path}/s.db")
    for text, field in (
        ('keys = "k"', "deployment"),
        ('deployment = "d"\nkeys = "k"\nprot = 1', "prot"),
        ("port = true", "port"),
        ('trusted_proxies = ["proxy"]', "trusted_proxies"),
        ("trusted_proxies = 7", "trusted_proxies"),
    ):
        path.write_text(text)
        with pytest.raises(InputError) as error:
            Config.from_toml(path)
        assert error.value.detail["field"] == field
