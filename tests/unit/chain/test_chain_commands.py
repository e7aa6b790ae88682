"""``gomaa chain``: deploy, node, show."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from chain.anvil import Anvil, program
from chain.client import Chain
from chain.commands import commands, schedule
from chain.deployment import Deployment
from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.settlement import Schedule

(GROUP,) = commands


def test_deploy_and_show(anvil: Anvil, tmp_path: Path) -> None:
    """The deployment file would differ from the output, or from the network."""
    key, output = tmp_path / "key", tmp_path / "deployment.json"
    key.write_text(to_hex(anvil.keys[5]) + "\n")
    arguments = [
        "deploy",
        "--rpc",
        anvil.rpc,
        "--key",
        str(key),
        "--epoch-seconds",
        "60",
        "--commission",
        "250",
        "-o",
        str(output),
    ]
    done = CliRunner().invoke(GROUP, arguments, catch_exceptions=False)
    assert json.loads(done.stdout) == json.loads(output.read_text())
    made = Deployment.load(output)
    assert (made.chain_id, made.schedule) == (31337, schedule(60))
    shown = json.loads(CliRunner().invoke(GROUP, ["show", str(output)], catch_exceptions=False).stdout)
    assert shown["now"]["commission_bps"] == 250
    assert shown["supply"] == str(10**27)
    assert shown["settlement"] == to_hex(made.settlement)


def test_a_network_that_is_too_slow_gets_no_contracts(anvil: Anvil, tmp_path: Path) -> None:
    """Contracts would be deployed whose epochs cannot be kept."""
    key, output = tmp_path / "key", tmp_path / "deployment.json"
    key.write_text(to_hex(anvil.keys[6]) + "\n")
    slow = ["--confirmations", "12", "--block-time", "12"]
    arguments = ["deploy", "--rpc", anvil.rpc, "--key", str(key), *slow, "--epoch-seconds", "1800", "-o", str(output)]
    with pytest.raises(GomaaError) as caught:
        CliRunner().invoke(GROUP, arguments, catch_exceptions=False)
    assert caught.value.code == "chain.schedule"
    detail = {"name": "grace", "seconds": 150, "least_s": 168, "block_time": 12, "confirmations": 12}
    assert caught.value.detail.items() >= detail.items()
    assert not output.exists()


def test_show_refuses_another_network(anvil: Anvil, network: Deployment, tmp_path: Path) -> None:
    """A file of another network would be shown as valid."""
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps({**network.to_json(), "chain_id": 1}))
    with pytest.raises(GomaaError) as caught:
        CliRunner().invoke(GROUP, ["show", str(path)], catch_exceptions=False)
    assert (caught.value.code, caught.value.detail["found"]) == ("chain.mismatch", 31337)


def test_the_default_schedule() -> None:
    """An epoch length would give an invalid schedule."""
    assert schedule(3600) == Schedule(3600, 300, 1500, 1200, 14 * 86_400, 3600 + 300 + 600)
    for length in range(3, 400):
        assert schedule(length).due(0) <= schedule(length).post_until(0)


def test_the_node_runs_until_terminated(tmp_path: Path) -> None:
    """The node would lose its chain, or leave anvil running."""
    state = tmp_path / "chain.json"
    code = "from chain.commands import chain; chain()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "node", "--port", "0", "--state", str(state)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    mined = asyncio.run(_mine(url))
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=TIMEOUT_S)[1] == "stopped\n"
    assert process.returncode == 0
    with Anvil(state=state) as again:
        assert asyncio.run(_mine(again.rpc)) > mined
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)


async def _mine(rpc: str) -> int:
    async with Chain.connect(rpc) as chain:
        await chain.request("evm_mine")
        return (await chain.block()).number


def test_anvil_in_a_context(tmp_path: Path) -> None:
    """Two nodes would share a port, or a process be left."""
    with Anvil() as one, Anvil() as two:
        assert one.port != two.port
        assert len(one.keys) == 10
        assert to_hex(address_of(one.keys[0])) == "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
        assert one.keys == two.keys
        process = one.process
    assert process is not None
    assert process.poll() is not None


def test_anvil_that_does_not_start(tmp_path: Path) -> None:
    """The reason of a failed start would be lost."""
    with pytest.raises(RuntimeError, match="no-such-option"), Anvil(extra=["--no-such-option"]):
        pass


def test_a_missing_anvil_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error would not name the command that installs anvil."""
    assert Path(program()).exists()
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match="npm ci"):
        program()
