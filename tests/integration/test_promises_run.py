"""Every command that the README names runs.

In one world of chain, contracts, server and station, or in a test of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
import pytest

from demo.stack import Stack, add_song, running
from gomaa.cli import group
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from studio.owner import load_owner_key
from tests.integration.studio_world import noise
from tests.unit.promises.commands import lines, resolve, tokens
from tests.unit.promises.documents import ROOT, Document

README: Final = Document("README.md", (ROOT / "README.md").read_text(encoding="utf-8"))
POLICY: Final = ROOT / "examples" / "policies" / "free-radio.toml"
DATA: Final = "--deployment deployment.json --data SERVER"

# Arguments of the README's commands; several where it lists several. Placeholders are filled from the world.
ARGUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "policy check": ("examples/policies/free-radio.toml",),
    "policy explain": ("examples/policies/free-radio.toml", "examples/policies/free-radio.toml --language zh"),
    "audit": (f"{DATA} --workers 2",),
    "watermark read": ("song.wav",),
    "watermark search": ("song.wav --workers 2",),
    "station check": ("STATION/song/noise",),
    "report fan": (f"{DATA} --payee OWNER",),
    "report station": (f"STATION_ADDRESS {DATA} --form csv",),
    "report band": (f"OWNER {DATA} --form json",),
    "report society": (f"{DATA} --works song.sps", f"{DATA} --works song.sps --form dsr"),
    "report value": (DATA,),
    "watch": ("--deployment deployment.json --data SERVER --receipts receipts --once",),
    "release": (
        f"song.wav -o released.sps --policy {POLICY} --key owner.key --deployment deployment.json --server SERVER",
    ),
    "transfer": ("song.sps --to STATION_ADDRESS --price 1 --key owner.key --deployment deployment.json",),
    "revoke": ("song.sps --key owner.key --deployment deployment.json --yes",),
    "destroy": ("song.sps --key owner.key --deployment deployment.json --yes",),
    "host install": ("--browser chromium --deployment deployment.json",),
    "host doctor": ("--browser chromium",),
    "host uninstall": ("--browser chromium",),
    "station init": ("--domain radio.example --name Radio --deployment deployment.json --directory radio",),
    "station statement": ("stack/station.toml",),
    "server init": ("--keys another-server.json",),
    "server close-epoch": ("--url SERVER --keys stack/server-keys.json",),
    "chain deploy": ("--rpc NODE --key platform.key --epoch-seconds 60 --commission 250 -o another.json",),
}

# Commands that run until they are stopped, and the tests that run them.
ELSEWHERE: Final = {
    "studio": "tests/integration/test_studio_page.py",
    "station run": "demo/stack.py",
    "server run": "demo/stack.py",
    "chain node": "tests/unit/chain/test_chain_commands.py",
}


SILENT: Final = ("report fan", "station statement", "watch")
"""Commands that may have nothing to say where nothing was heard."""


def promised() -> list[str]:
    """Names of the commands in the README, in its order."""
    paths = {id(command): path for path, command in _tree(group, "")}
    found: dict[str, None] = {}
    for line in lines(README):
        for rest in re.findall(r"(?<![\w/.\-])gomaa (?=\S)(.*)", line):
            for command, _, wrong in resolve(tokens(rest)):
                if not wrong and not isinstance(command, click.Group):
                    found[paths[id(command)]] = None
    return list(found)


def _tree(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from _tree(found, f"{path} {name}".strip())


@dataclass
class World:
    """A folder with the files that the README's commands name, and the servers that they use."""

    folder: Path
    stack: Stack
    ran: list[str] = field(default_factory=list)

    def run(self, line: str) -> str:
        """Run one command line in the folder; return its output.

        Raises:
            AssertionError: The command failed.
        """
        places = {"SERVER": self.stack.server_url, "STATION": self.stack.station_url, "URL": self.stack.server_url}
        places |= {"STATION_ADDRESS": to_hex(self.stack.station_address), "NODE": self.stack.anvil.rpc}
        if (key := self.folder / "owner.key").exists():
            places["OWNER"] = to_hex(address_of(load_owner_key(key)))
        line = re.sub(
            r"\b(" + "|".join(sorted(places, key=len, reverse=True)) + r")\b", lambda found: places[found[1]], line
        )
        # A computer without the features package: measuring a song takes longer than everything else here.
        environment = {**os.environ, "PYTHONPATH": f"{self.folder / 'bare'}{os.pathsep}{ROOT}"}
        # Tests must not use the user's own browsers and ledger.
        environment |= {"HOME": str(self.folder / "home"), "GOMAA_HOME": str(self.folder / "home" / "gomaa")}
        command = [sys.executable, "-m", "gomaa", *shlex.split(line)]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"gomaa {line}\n{done.stdout}\n{done.stderr}"
        self.ran.append(line)
        return done.stdout

    def enrich(self) -> None:
        """Give the artist's account coins for its transactions, once it has a key."""
        rich = to_hex(address_of(load_owner_key(self.folder / "owner.key")))
        self.stack.ask(lambda chain: chain.request("anvil_setBalance", rich, hex(10**20)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The README's world: a recording, terms, a network with a server and a station that plays a song."""
    folder = tmp_path_factory.mktemp("readme")
    noise(folder / "song.wav", 3)
    for name in ("receipts", "home"):
        (folder / name).mkdir()
    (folder / "bare" / "features").mkdir(parents=True)
    (folder / "bare" / "features" / "__init__.py").write_text("raise ImportError\n")
    (folder / "examples").symlink_to(ROOT / "examples")
    with running(folder / "stack", [], POLICY) as stack:
        add_song(
            stack, noise(folder / "noise.wav", 3), POLICY, artist="Tests", extra=("--no-watermark", "--no-features")
        )
        (folder / "deployment.json").symlink_to(stack.folder / "deployment.json")
        (folder / "platform.key").write_text(to_hex(stack.anvil.keys[0]))
        made = World(folder, stack)
        for line in (
            line.removeprefix("gomaa ") for line in README.lines if line.startswith("gomaa ") and "…" not in line
        ):
            made.run(line)
            if "--new-key" in line:
                made.enrich()
        yield made


def test_the_blocks_of_the_readme_run(world: World) -> None:
    """Its whole command lines succeed, in their order, against a real network."""
    assert [line.split()[0] for line in world.ran[:5]] == ["convert", "publish", "inspect", "verify", "earnings"]
    assert (world.folder / "song.sps").exists()


@pytest.mark.parametrize("name", promised())
def test_a_command_of_the_readme_runs(world: World, name: str) -> None:
    """A command that the README names succeeds with arguments, or a test of its own runs it."""
    if name in ELSEWHERE:
        text = (ROOT / ELSEWHERE[name]).read_text(encoding="utf-8")
        assert all(word in text for word in name.split())
        return
    for arguments in ARGUMENTS.get(name, ()):
        assert world.run(f"{name} {arguments}") or name in SILENT
    assert any(line.startswith(name) for line in world.ran)


def test_every_listed_command_is_one_of_the_readme() -> None:
    """Arguments of a command that the README no longer names would never be used."""
    assert {*ARGUMENTS, *ELSEWHERE} <= set(promised())
