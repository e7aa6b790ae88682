"""Set-up installs the locked versions, whatever an index offers later and however pip is configured."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.newer_releases import npm_registry, python_index, wheel
from tests.unit.tooling.test_tooling_python_packages import locked
from tooling.python_packages import BOOTSTRAP, LOCKS, install_lock
from tooling.steps import ROOT, BuildError


@pytest.fixture(scope="module")
def tomorrow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simple index with a newer release of every locked package."""
    return python_index(tmp_path_factory.mktemp("tomorrow"), {*locked("test"), *locked("bootstrap")})


@pytest.fixture
def configured(tomorrow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pip with an unusual configuration: further indexes, folders of wheels, constraints, a target."""
    flat = tmp_path / "flat"
    flat.mkdir()
    for file in tomorrow.rglob("*.whl"):
        (flat / file.name).hardlink_to(file)
    (tmp_path / "constraints.txt").write_text("uv<0.1\nsix<1\n")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{tomorrow.as_uri()} {(tmp_path / 'none').as_uri()}")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{flat} {tmp_path / 'none'}")
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "constraints.txt"))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PIP_USER", "1")
    return tmp_path


def environment(folder: Path) -> Path:
    """Create a virtual environment; return its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin" / "python"


def test_newer_releases_change_nothing(configured: Path) -> None:
    """An unlocked package would be installed in its newer release."""
    python = environment(configured / "environment")
    install_lock(python, LOCKS / "test.lock")
    listing = subprocess.run(
        [python.with_name("uv"), "pip", "freeze", "--python", python], check=True, capture_output=True, text=True
    )
    installed = dict(line.split("==") for line in listing.stdout.split() if not line.startswith("pip=="))
    allowed = {**locked("test"), **locked("bootstrap")}
    assert len(installed) > 100
    assert {name: version for name, version in installed.items() if version not in allowed.get(name, ())} == {}
    assert not (configured / "elsewhere").exists()


def test_other_bytes_under_a_locked_name_are_refused_by_name(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another wheel under a locked name must fail its hash."""
    monkeypatch.setattr("tooling.steps.LOGS", configured / "logs")
    (version,) = locked("demo")["idna"]
    wheel(configured / "flat", "idna", version)
    with pytest.raises(BuildError) as failed:
        install_lock(environment(configured / "environment"), LOCKS / "demo.lock")
    assert f"Hash mismatch for `idna=={version}`" in str(failed.value).partition("error: ")[2]


def test_an_unavailable_package_is_named_last_and_alone(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user would have to search the output for the cause."""
    monkeypatch.setattr("tooling.steps.LOGS", configured / "logs")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    python = environment(configured / "environment")
    with pytest.raises(BuildError) as failed:
        install_lock(python, LOCKS / "demo.lock")
    text = str(failed.value)
    assert "WARNING" not in text
    assert re.search(r"^ERROR: .*(uv|setuptools)", text.splitlines()[-1], re.S) or "Expected sha256" in text
    assert text.splitlines()[0].startswith("python-bootstrap failed (1)")


def test_newer_npm_releases_change_nothing(tmp_path: Path) -> None:
    """The lock file decides, not the tag ``latest``."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    before = (tmp_path / "package-lock.json").read_bytes()
    with npm_registry(json.loads(before)) as registry:
        for command in (["ci", "--dry-run"], ["install", "--package-lock-only"]):
            options = ["--registry", registry, "--cache", str(tmp_path / "cache"), "--loglevel=error"]
            done = subprocess.run(
                ["npm", *command, *options], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    assert (tmp_path / "package-lock.json").read_bytes() == before
    assert BOOTSTRAP.exists()
