"""uv gets pip's configuration; the locks answer every question that an installer could ask."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tooling import python_packages
from tooling.npm_packages import LOCK
from tooling.steps import ROOT


def locked(name: str) -> dict[str, set[str]]:
    """Package to its locked versions (several where they differ by Python version)."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "requirements" / f"{name}.lock").read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            package, _, rest = line.partition("==")
            found.setdefault(package, set()).add(rest.split()[0])
    return found


def test_pip_settings_become_uv_variables(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    pip = {
        "index-url": "http://localhost:1/simple",
        "extra-index-url": "http://localhost:2/simple\nfile:///srv/simple",
        "find-links": f"{wheels} {wheels.as_uri()} {tmp_path / 'none'} http://localhost:3/wheels",
        "trusted-host": "localhost",
        "default-timeout": "180",
        "cert": "/etc/ssl/own.pem",
        "constraint": "/etc/constraints.txt",
        "require-hashes": "true",
    }
    assert python_packages.uv_environment(pip, {}) == {
        "UV_DEFAULT_INDEX": "http://localhost:1/simple",
        "UV_INDEX": "http://localhost:2/simple file:///srv/simple",
        "UV_FIND_LINKS": f"{wheels},{wheels},http://localhost:3/wheels",
        "UV_INSECURE_HOST": "localhost",
        "UV_HTTP_TIMEOUT": "180",
        "SSL_CERT_FILE": "/etc/ssl/own.pem",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("true", True), ("Yes", True), ("0", False), ("false", False)]
)
def test_a_wheelhouse_without_an_index_stays_without(value: str, expected: bool) -> None:
    assert ("UV_NO_INDEX" in python_packages.uv_environment({"no-index": value}, {})) is expected


def test_a_setting_of_uv_itself_is_kept() -> None:
    assert "UV_DEFAULT_INDEX" not in python_packages.uv_environment(
        {"index-url": "http://a"}, {"UV_DEFAULT_INDEX": "http://b"}
    )


def test_the_demo_installs_no_test_tool() -> None:
    demo, test = locked("demo"), locked("test")
    assert not {
        "pytest",
        "hypothesis",
        "mypy",
        "ruff",
        "pytest-cov",
        "coverage",
        "titanoboa",
        "librosa",
        "pre-commit",
    } & set(demo)
    assert {"pytest", "hypothesis", "mypy", "ruff"} <= set(test)
    assert all(versions == test[package] for package, versions in demo.items())


def own_requirements(extra: str) -> set[str]:
    """Requirements of pyproject.toml without and with an extra, extras of our own followed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found, open_extras = set(project["dependencies"]), [extra]
    while open_extras:
        for text in project["optional-dependencies"][open_extras.pop()]:
            requirement = Requirement(text)
            if requirement.name == "gomaa":
                open_extras.extend(requirement.extras)
            else:
                found.add(text)
    return found


@pytest.mark.parametrize(("name", "extra"), [("demo", "demo"), ("test", "dev")])
def test_the_locks_answer_pyproject(name: str, extra: str) -> None:
    packages = locked(name)
    for requirement in map(Requirement, own_requirements(extra)):
        versions = packages[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version, prereleases=True) for version in versions), requirement


@pytest.mark.parametrize("name", ["demo", "test"])
def test_every_requirement_of_a_locked_package_is_locked(name: str) -> None:
    packages = locked(name)
    missing = []
    for package in packages:
        try:
            asked = distribution(package).requires or []
        except Exception:  # not for this Python or system
            continue
        for text in asked:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed = canonicalize_name(requirement.name)
                if needed not in packages or not any(
                    requirement.specifier.contains(v, prereleases=True) for v in packages[needed]
                ):
                    missing.append(f"{package}: {text}")
    assert not missing


@pytest.mark.parametrize("name", ["demo", "test", "bootstrap"])
def test_every_entry_of_a_lock_is_pinned_with_hashes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements" / f"{name}.lock").read_text().strip())
    assert len(entries) == sum(len(versions) for versions in locked(name).values())
    for entry in entries:
        assert re.match(r"^[a-z0-9.-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_npm_lock_answers_package_json() -> None:
    lock, package = json.loads(LOCK.read_text()), json.loads((ROOT / "package.json").read_text())
    root = lock["packages"][""]
    assert root["dependencies"] == package["dependencies"]
    assert root["devDependencies"] == package["devDependencies"]
    for place, entry in lock["packages"].items():
        assert place == "" or "integrity" in entry, place
        for wanted in entry.get("optionalDependencies", {}):
            assert (
                f"node_modules/{wanted}" in lock["packages"] or f"{place}/node_modules/{wanted}" in lock["packages"]
            ), wanted
