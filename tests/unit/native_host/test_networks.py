"""Network files: validation, and replacement of a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chain.deployment import MAX_BYTES
from messages.browser_host.connection import Reply
from native_host.install.commands import host
from native_host.messaging.dispatcher import Dispatcher, failure
from native_host.paths import Paths
from native_host.remote import network_files, network_setup
from pywallet.errors import GomaaError, InputError

_ADDRESSES = ("token", "registry", "content_implementation", "settlement", "treasury", "rights")
_SCHEDULE = {"length": 60, "grace": 5, "window": 15, "answer": 15, "late": 3600, "delay": 70}
NETWORK: dict[str, Any] = {
    "chain_id": 7,
    "rpc": "wss://node.example",
    **dict.fromkeys(_ADDRESSES, "0x" + "11" * 20),
    "block": 1,
    "schedule": _SCHEDULE,
    "stake": "1",
    "confirmations": 1,
}
BAD: dict[str, dict[str, Any]] = {
    "a number that no reader takes": {"chain_id": 1 << 70},
    "an epoch that no reader takes": {"schedule": {**_SCHEDULE, "length": 1 << 70}},
    "a number that is no file's name": {"chain_id": 10**300},
    "a host that two readers read differently": {"rpc": "wss://good.example\\@evil.example"},
    "a character that is none": {"rpc": "wss://node.example/\0"},
    "a character that turns the text": {"rpc": "wss://\u202enode.example"},
    "a node with a space": {"rpc": "wss://node example"},
    "an endless node": {"rpc": "wss://node.example/" + "x" * 4000},
    "no node": {"rpc": "wss://"},
    "a stake without an end": {"stake": "9" * 6000},
}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """The host's folders."""
    return Paths(tmp_path / "data", tmp_path / "config").make()


def _file(tmp_path: Path, **changes: Any) -> Path:
    file = tmp_path / "network.json"
    file.write_text(json.dumps({**NETWORK, **changes}))
    return file


def _code(work: Any) -> str:
    with pytest.raises(GomaaError) as caught:
        work()
    return caught.value.code


@pytest.mark.parametrize("name", BAD)
def test_an_invalid_network_is_an_error_of_its_source(paths: Paths, tmp_path: Path, name: str) -> None:
    """``message.schema`` for a file, ``station.answer`` for a station's record."""
    assert _code(lambda: network_files.add(paths, _file(tmp_path, **BAD[name]))) == "message.schema"
    assert _code(lambda: network_files.from_record({**NETWORK, **BAD[name]})) == "station.answer"
    assert not list(paths.networks.iterdir())


@pytest.mark.parametrize("raw", [None, [], "x", {}, [[[[]]]]])
def test_a_record_that_is_no_object_is_refused(raw: Any) -> None:
    """Any other JSON value is ``station.answer``."""
    assert _code(lambda: network_files.from_record(raw)) == "station.answer"


def test_a_network_file_has_a_size_limit(paths: Paths, tmp_path: Path) -> None:
    """A longer file is damaged; the other networks load."""
    network_files.add(paths, _file(tmp_path))
    (paths.networks / "8.json").write_text(json.dumps({**NETWORK, "chain_id": 8}) + " " * MAX_BYTES + "x")
    (paths.networks / "9.json").write_text("[" * MAX_BYTES)
    assert list(network_files.load(paths)) == [7, 8]
    assert network_files.damaged(paths) == [paths.networks / "9.json"]


def test_another_network_is_replaced_only_on_request(paths: Paths, tmp_path: Path) -> None:
    """The same contracts with another node are the same network; others need ``replace``."""
    network_files.add(paths, _file(tmp_path))
    network_files.add(paths, _file(tmp_path, rpc="wss://other.example"))
    assert network_files.load(paths)[7].rpc == "wss://other.example"
    for name in ("token", "registry", "settlement"):
        assert (
            _code(lambda name=name: network_files.add(paths, _file(tmp_path, **{name: "0x" + "22" * 20})))
            == "host.network.taken"
        )
    assert network_files.load(paths)[7].settlement == b"\x11" * 20
    network_files.add(paths, _file(tmp_path, settlement="0x" + "22" * 20), replace=True)
    assert network_files.load(paths)[7].settlement == b"\x22" * 20


def test_the_install_command_names_the_replace_option(tmp_path: Path) -> None:
    """For a chain id that is taken; the manifests are written anyway."""
    environment = {"GOMAA_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
    install = ["install", "--chromium-id", "a" * 32, "--user-data-dir", str(tmp_path / "profile"), "--network"]

    def run(*more: str, **changes: Any) -> tuple[int, str]:
        done = CliRunner().invoke(host, [*install, str(_file(tmp_path, **changes)), *more], env=environment)
        return done.exit_code, done.output

    assert run()[0] == 0
    code, said = run(settlement="0x" + "22" * 20)
    assert (code, "host.network.taken" in said) == (1, True)
    assert "--replace" in CliRunner().invoke(host, ["install", "--help"]).output
    assert run("--replace", settlement="0x" + "22" * 20)[0] == 0


@pytest.mark.parametrize(
    ("rpc", "good"),
    [
        ("wss://node.example", True),
        ("https://node.example", True),
        ("ws://127.0.0.1:8545", True),
        ("ws://[::1]:8545", True),
        ("http://192.168.1.7:8545", True),
        ("ws://chain:8545", True),
        ("ws://node.example", False),
        ("http://8.8.8.8", False),
        ("http://localhost.evil.example", False),
        ("ws://[", False),
    ],
)
def test_a_node_on_the_internet_needs_tls(paths: Paths, tmp_path: Path, rpc: str, good: bool) -> None:
    """A node in a private network may be used without TLS."""
    if good:
        assert network_files.add(paths, _file(tmp_path, rpc=rpc)).rpc == rpc
    else:
        assert _code(lambda: network_files.add(paths, _file(tmp_path, rpc=rpc))) == "host.network.insecure"


def test_an_invalid_url_has_its_code() -> None:
    """Neither URL nor node URL causes ``internal``."""
    made = network_files.from_record(NETWORK)
    assert _code(lambda: network_setup.require_safe("https://[", made)) == "host.network.insecure"
    with pytest.raises(InputError) as caught:
        network_setup.fetch_network("https://[").send(None)
    assert caught.value.code == "message.schema"


def test_a_message_that_cannot_be_encoded_fails_its_request_alone() -> None:
    """A lone surrogate is replaced; a value that is no JSON is ``internal``."""
    sent: list[bytes] = []
    service = Dispatcher(sent.append)
    service.send(failure(7, GomaaError("chain.reverted", reason="no\ud800")))
    service.send(Reply(8, object()))
    first, second = (json.loads(frame[4:]) for frame in sent)
    assert first["error"]["detail"]["reason"] == "no?"
    assert (second["id"], second["error"]["code"]) == (8, "internal")
