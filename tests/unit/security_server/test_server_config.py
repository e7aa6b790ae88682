"""Configuration and keys."""

from __future__ import annotations

import re
import stat
from dataclasses import fields
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from pywallet.errors import InputError
from security_server.commands import server
from security_server.config import Config, Keys
from station.config import StationConfig

DOCS: Final = Path(__file__).resolve().parents[3] / "docs"
NAME: Final = re.compile(r"`(\w+)`")


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


def tables(text: str) -> list[list[str]]:
    """First two cells of the rows of every table of settings."""
    found = [part.splitlines()[2:] for part in text.split("\n\n") if part.startswith("| setting |")]
    return [row.strip("|").split(" | ")[:2] for rows in found for row in rows]


@pytest.mark.parametrize("page", ["operate-server.md", "operate-chain.md"])
def test_documented_settings_exist(page: str) -> None:
    """An operator would set what no server reads."""
    known = {one.name for kind in (Config, StationConfig) for one in fields(kind)}
    named = [name for first, _ in tables((DOCS / page).read_text(encoding="utf-8")) for name in NAME.findall(first)]
    assert named
    assert [name for name in named if name not in known] == []


def test_settings_of_operation_are_documented_with_their_defaults() -> None:
    """An operator would rely on another default."""
    defaults = {one.name: one.default for one in fields(Config)}
    _, _, section = (DOCS / "operate-server.md").read_text(encoding="utf-8").partition("\n## Settings\n\n")
    for first, second in tables(section.partition("\n\n## ")[0]):
        values = second.replace("`", "").split(", ")
        stated = [None if value == "none" else int(value) if value.isdigit() else value for value in values]
        assert [defaults[name] for name in NAME.findall(first)] == stated, first
