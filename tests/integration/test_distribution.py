"""Wheel and sdist, installed into empty environments: each part runs with its own extra and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path
from typing import Final

import pytest

from demo.process import free_port
from demo.stack import running
from gomaa.cli import ROOMS
from tests.e2e.world import FREE, tone
from tests.integration.host_process import HostProcess
from tooling.steps import ROOT

UV: Final = Path(sys.executable).with_name("uv")
LOCK: Final = ROOT / "requirements" / "test.lock"
EXTRAS: Final = ("", "studio", "station", "server", "audit")
EACH_HELP: Final = """
import json
from click.testing import CliRunner
from gomaa.cli import ROOMS, group
print(json.dumps({name: str(CliRunner().invoke(group, [name, "--help"]).exception or "") for name in ROOMS}))
"""
NOT_IN: Final = {
    "": {"numpy", "scipy", "av", "sqlalchemy", "jinja2", "vyper", "scikit-learn", "matplotlib", "eth-account"},
    "station": {"numpy", "scipy", "av", "vyper", "scikit-learn", "matplotlib"},
    "server": {"numpy", "scipy", "av", "vyper", "scikit-learn", "matplotlib"},
    "audit": {"scipy", "av", "sqlalchemy", "jinja2", "vyper", "scikit-learn", "matplotlib"},
    "studio": {"sqlalchemy", "vyper", "scikit-learn", "matplotlib"},
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of a copy of the tree, and the wheel made from that sdist."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.split(b"\0")
    for name in (os.fsdecode(name) for name in names if name):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [UV, "build", "--no-build-isolation", "--python", sys.executable, "--out-dir", out, source]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return out


@pytest.fixture(scope="module")
def pythons(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Extra to the interpreter of an environment that has the wheel with this extra only."""
    (wheel,) = built.glob("*.whl")
    found = {}
    for extra in EXTRAS:
        folder = tmp_path_factory.mktemp(extra or "host")
        subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / "environment"], check=True)
        found[extra] = folder / "environment" / "bin" / "python"
        asked = f"gomaa[{extra}] @ {wheel.as_uri()}" if extra else f"gomaa @ {wheel.as_uri()}"
        install = [
            UV,
            "pip",
            "install",
            "--quiet",
            "--python",
            found[extra],
            "--constraints",
            LOCK,
            "--no-build",
            asked,
        ]
        subprocess.run(install, check=True, cwd=folder)
    return found


def gomaa(python: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the console command of an environment, away from the source tree."""
    env = {**os.environ, "HOME": str(home), "GOMAA_HOME": str(home / "gomaa")}
    env.pop("PYTHONPATH", None)
    return subprocess.run(
        [python.with_name("gomaa"), *arguments], cwd=home, env=env, capture_output=True, text=True, check=False
    )


def test_metadata_names_what_the_package_is(built: Path) -> None:
    """Wrong metadata would describe another package on an index."""
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        text = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    for field in (
        "Author",
        "Project-URL: Homepage",
        "Classifier: Programming Language :: Python :: 3.14",
        "License-Expression",
    ):
        assert f"\n{field}" in text
    for extra in ("studio", "station", "server", "audit", "features", "genre", "contracts", "all"):
        assert f"\nProvides-Extra: {extra}\n" in text
    assert not [
        name for name in names if name.split("/")[0] in ("tests", "demo", "benchmarks", "tooling", "extension", "build")
    ]
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/pyproject.toml") for name in archive.getnames())


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_brings_what_it_needs_and_no_more(pythons: dict[str, Path], tmp_path: Path, extra: str) -> None:
    """An extra that is short of a dependency fails at its first import; one too many makes the installation larger."""
    python = pythons[extra]
    listing = subprocess.run([UV, "pip", "freeze", "--python", python], check=True, capture_output=True, text=True)
    installed = {line.partition("==")[0].partition(" @")[0] for line in listing.stdout.splitlines()}
    assert not installed & NOT_IN[extra]
    assert gomaa(python, "--version", home=tmp_path).stdout == "gomaa, version 0.1.0\n"
    helped = subprocess.run([python, "-P", "-c", EACH_HELP], check=True, capture_output=True, text=True, cwd=tmp_path)
    for name, error in json.loads(helped.stdout).items():
        if ROOMS[name].extra in ("", extra):
            assert error == "", name
        else:
            assert error == "" or (
                error.startswith("command.extra: ") and f'pip install "gomaa[{ROOMS[name].extra}]"' in error
            ), name


def test_a_command_without_its_extra_says_how_to_install_it(pythons: dict[str, Path], tmp_path: Path) -> None:
    """Without the hint a user would get a traceback of an import."""
    done = gomaa(pythons[""], "convert", "--help", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("gomaa: command.extra: ")
    assert done.stderr.rstrip().endswith("""install=pip install "gomaa[studio]")""")
    assert set(ROOMS) <= set(gomaa(pythons[""], "--help", home=tmp_path).stdout.split())


async def test_the_host_of_the_slim_package_is_installed_and_answers_a_browser(
    pythons: dict[str, Path], tmp_path: Path
) -> None:
    """The slim package is all that a listener installs; the browser starts its host."""
    installed = gomaa(pythons[""], "host", "install", "--browser", "firefox", home=tmp_path)
    assert installed.returncode == 0, installed.stderr
    (manifest,) = tmp_path.rglob("native-messaging-hosts/*.json")
    launcher = json.loads(manifest.read_text())["path"]
    assert str(ROOT) not in Path(launcher).read_text()
    pipe = asyncio.subprocess.PIPE
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    process = await asyncio.create_subprocess_exec(launcher, stdin=pipe, stdout=pipe, env=env, cwd=tmp_path)
    host = HostProcess(process)
    try:
        assert (await host.hello())["protocol"] == 1
        assert await host.leave() == 0
    finally:
        await host.kill()


def test_studio_server_and_station_run_each_with_its_own_extra(
    pythons: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every command of the stack goes to the environment of its part; `python -m gomaa NAME …` has the name third.
    """A module that is imported across parts fails here and nowhere else."""
    script = "".join(
        f'    {name}) exec {pythons[room.extra]} "$@" ;;\n' for name, room in ROOMS.items() if room.extra in EXTRAS
    )
    dispatcher = tmp_path / "python"
    dispatcher.write_text(f'#!/bin/sh\ncase "$3" in\n{script}esac\nexit 64\n')
    dispatcher.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dispatcher))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    policy = tmp_path / "policy.toml"
    policy.write_text(FREE)
    with running(tmp_path / "stack", [tone(tmp_path / "tide.wav", 4, 220)], policy) as stack:
        with urllib.request.urlopen(f"{stack.station_url}/song/tide", timeout=60) as answer:
            assert b"sps-player" in answer.read()
        with urllib.request.urlopen(f"{stack.server_url}/v1/info", timeout=60) as answer:
            assert json.loads(answer.read())
        port = free_port()
        common = [
            "--key",
            stack.folder / "owner.key",
            "--deployment",
            stack.folder / "deployment.json",
            "--server",
            stack.server_url,
        ]
        page = [
            pythons["studio"],
            "-m",
            "gomaa",
            "studio",
            *common,
            "--folder",
            tmp_path / "desk",
            "--port",
            str(port),
            "--no-open",
        ]
        with subprocess.Popen(
            page, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path
        ) as studio:
            assert studio.stdout is not None
            try:
                address = next(line for line in studio.stdout if f":{port}" in line)
                url = next(word for word in address.split() if word.startswith("http"))
                with urllib.request.urlopen(url, timeout=60) as answer:
                    assert b"<html" in answer.read().lower()
            finally:
                studio.terminate()
