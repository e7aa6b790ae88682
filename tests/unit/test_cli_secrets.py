"""What commands print.

A node's URL with its key, a database's with its password, and no more of either than host and port.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chain.anvil import Anvil
from chain.deployment import Deployment
from pywallet.encoding.hex import to_hex
from pywallet.errors import Unavailable
from pywallet.settlement import Schedule
from security_server.config import Keys

SECRETS = ("hunter22hunter22", "0123456789abcdef-key", "operator-name")


def printed(*arguments: str, home: Path) -> tuple[int, str]:
    """A command's exit code, and all that it says."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-m", "gomaa", *arguments], capture_output=True, text=True, env=environment, check=False
    )
    return done.returncode, done.stdout + done.stderr


def deployment(folder: Path, place: str) -> Path:
    """A deployment file whose node has a user, a password and a key."""
    schedule = Schedule(60, 5, 15, 15, 3_600, 75)
    rpc = f"ws://operator-name:hunter22hunter22@{place}/?key=0123456789abcdef-key"
    path = folder / "deployment.json"
    Deployment(31337, rpc, *[bytes([n]) * 20 for n in range(1, 6)], 0, schedule, 10**18).save(path)
    return path


@pytest.fixture
def nobody() -> str:
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


COMMANDS = [
    "chain show {deployment}",
    "chain deploy --rpc {rpc} --key {key} -o {folder}/made.json",
    "audit --deployment {deployment}",
    "watch --deployment {deployment} --receipts {folder} --once",
    "report station 0x0101010101010101010101010101010101010101 --deployment {deployment}",
    "server run --deployment {deployment} --keys {keys} --rpc {rpc}",
    "server run --deployment {deployment} --keys {keys} --database {database}",
    "server close-epoch --url http://operator-name:hunter22hunter22@{place} --keys {keys}",
    "station statement {station}",
]


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_fails_says_no_secret(tmp_path: Path, nobody: str, command: str) -> None:
    """With the node away, or a database URL that is none: exit code 1, a reason, and the place at most."""
    made = deployment(tmp_path, nobody)
    key, keys = tmp_path / "key", tmp_path / "keys.json"
    key.write_text(to_hex(b"\x01" * 32))
    Keys.make().save(keys)
    (tmp_path / "songs").mkdir()
    station = tmp_path / "station.toml"
    station.write_text(
        'domain = "r.example"\nname = "R"\nkey_file = "key"\ndeployment_file = "deployment.json"\ncatalogue = "songs"\n'
        'database = "postgresql://operator-name:hunter22hunter22@db:port/x"\n'
    )
    names = {
        "deployment": made,
        "rpc": Deployment.load(made).rpc,
        "key": key,
        "keys": keys,
        "folder": tmp_path,
        "place": nobody,
        "station": station,
        "database": "postgresql://operator-name:hunter22hunter22@db:port/x",
    }
    code, said = printed(*(part.format_map(names) for part in command.split()), home=tmp_path)
    assert code != 0
    assert said.strip()
    assert not [secret for secret in SECRETS if secret in said], said


@pytest.mark.long
def test_a_command_that_works_says_no_secret(tmp_path: Path) -> None:
    """What is printed of a deployment; the file itself has the URL whole, since programs need it."""
    with Anvil() as anvil:
        key = tmp_path / "key"
        key.write_text(to_hex(anvil.keys[0]))
        place = anvil.rpc.removeprefix("ws://")
        rpc = f"ws://operator-name:hunter22hunter22@{place}/?key=0123456789abcdef-key"
        output = tmp_path / "made.json"
        code, said = printed("chain", "deploy", "--rpc", rpc, "--key", str(key), "-o", str(output), home=tmp_path)
        assert code == 0, said
        assert place in said
        assert not [secret for secret in SECRETS if secret in said], said
        assert Deployment.load(output).rpc == rpc


async def test_the_host_says_no_secret_to_the_browser(tmp_path: Path, nobody: str) -> None:
    """Its checks and its errors, as native messaging carries them, with the fan's own node away."""
    from native_host.install.doctor import reachable
    from native_host.paths import Paths
    from native_host.remote.network import Network

    paths = Paths(tmp_path / "data", tmp_path / "config").make()
    deployment(paths.networks, nobody).rename(paths.networks / "31337.json")
    (check,) = [one for one in await reachable(paths) if one.name == "chain 31337"]
    assert not check.ok
    said = [msgspec.json.encode(check).decode()]
    network = Network(Deployment.load(paths.networks / "31337.json"), lambda content, code: None)
    for ask in (network.ready(), _chain(network)):
        with pytest.raises(Unavailable) as refused:
            await ask
        said += [json.dumps(refused.value.to_json()), str(refused.value), repr(network.deployment)]
    assert not [secret for secret in SECRETS if any(secret in text for text in said)], said
    assert nobody not in json.dumps(refused.value.to_json())


async def _chain(network: Any) -> Any:
    return network.chain
