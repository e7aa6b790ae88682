"""The artist's guide: every command of docs/for-bands.md against a real chain, server and station."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from chain.client import Chain
from chain.contracts.content import Content
from chain.contracts.registry import Registry
from chain.contracts.settlement import Settlement
from chain.contracts.token import Token
from demo.process import Service, free_port
from demo.stack import Stack, gomaa, running, security_server
from pywallet.crypto import address_of
from pywallet.encoding.hex import from_b64, from_hex, to_hex
from studio.inspect import inspect
from studio.owner import load_owner_key
from tests.integration.studio_world import noise

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "for-bands.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def begin_server(stack: Stack, folder: Path, key: bytes) -> Service:
    """A second security server: its own process and database, listed and bonded."""
    folder.mkdir()
    (folder / "deployment.json").symlink_to(stack.folder / "deployment.json")
    made = json.loads(gomaa("server", "init", "--keys", folder / "server-keys.json", "--signing-key", to_hex(key)))
    address, url = from_hex(made["server"], 20), f"http://127.0.0.1:{free_port()}"

    async def pay_in(chain: Chain) -> None:
        platform, deployment = stack.anvil.keys[0], stack.deployment
        await Registry(chain, deployment).add_server(platform, address, url, from_b64(made["key"]))
        await Token(chain, deployment).approve(platform, deployment.settlement, 10**20)
        await Settlement(chain, deployment).bond(platform, address, 10**20)

    stack.ask(pay_in)
    server = security_server(folder, url)
    server.start()
    return server


def test_the_guides_blocks_run(tmp_path: Path) -> None:
    """Each block succeeds, in order, and at the end the chain has what the guide says."""
    (tmp_path / "recordings").mkdir()
    noise(tmp_path / "song.wav", 3)
    noise(tmp_path / "recordings" / "one.wav", 1)
    # A computer without the features package: measuring each song takes longer than everything else here.
    (tmp_path / "bare" / "features").mkdir(parents=True)
    (tmp_path / "bare" / "features" / "__init__.py").write_text("raise ImportError\n")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    policy = ROOT / "examples" / "policies" / "free-radio.toml"
    with running(tmp_path / "stack", [], policy) as stack, ExitStack() as ended:
        (tmp_path / "deployment.json").symlink_to(stack.folder / "deployment.json")
        another = begin_server(stack, tmp_path / "another", stack.anvil.keys[6])
        ended.callback(another.stop)
        begin = f'gomaa() {{ {shlex.quote(sys.executable)} -m gomaa "$@"; }}\nset -eo pipefail\n'
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path / 'bare'}{os.pathsep}{ROOT}", "SERVER": stack.server_url}
        done = ""
        for block in BLOCKS:
            if "owner.key" in block and "--new-key" not in block and not done:
                pytest.fail("the guide uses a key before it makes one")
            command = begin + block.replace("https://keys.example", stack.server_url)
            ran = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert ran.returncode == 0, f"{block}\n{ran.stdout}\n{ran.stderr}"
            done += ran.stdout
            if (tmp_path / "owner.key").exists() and "gas" not in done:
                rich = {"to": "0x" + address_of(load_owner_key(tmp_path / "owner.key")).hex(), "coins": hex(10**20)}
                stack.ask(lambda chain, rich=rich: chain.request("anvil_setBalance", rich["to"], rich["coins"]))
        content = from_hex(inspect(tmp_path / "out" / "slow-tide-home.sps")["content"], 20)
        state = stack.ask(lambda chain: Content(chain, content).state())
        later = stack.ask(lambda chain: Content(chain, content).server_at(1 << 31))
        assert later == address_of(stack.anvil.keys[6])
    assert (state.owner, state.revoked, state.destroyed) == (
        address_of(load_owner_key(tmp_path / "owner.key")),
        True,
        True,
    )
    assert len(BLOCKS) >= 9
    assert not (tmp_path / "tryout").exists()
    assert (tmp_path / "out" / "album" / "one.sps").exists()


def test_the_guides_commands_and_options_exist() -> None:
    """Each command and option in the guide's text and blocks exists."""
    from gomaa.cli import ROOMS, group

    said = set(re.findall(r"`?gomaa ([a-z]+)", GUIDE))
    assert said <= set(ROOMS)
    options = {
        option
        for name in said
        for parameter in group.get_command(None, name).params
        for option in [*parameter.opts, *parameter.secondary_opts]
    }  # type: ignore[arg-type, union-attr]
    assert set(re.findall(r"(?<=[\s`(])(--[a-z-]+)", GUIDE)) <= options | {"--yes"}
