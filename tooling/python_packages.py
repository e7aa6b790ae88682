"""The virtual environment with the locked Python packages.

uv, itself pinned by hash, installs the lock without resolving any package's own requirements, so that no newer release
changes what is installed. pip only installs uv. uv does not read pip's configuration: the index, extra indexes and
folders of wheels of pip's configuration are passed to it as variables.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tooling.steps import ROOT, fresh, run, say, stamp

LOCKS: Final = ROOT / "requirements"
BOOTSTRAP: Final = LOCKS / "bootstrap.lock"
"""uv and the build backend; packages are built in the environment itself, not in an isolated one."""

VENV: Final = ROOT / ".venv"
PYTHON: Final = VENV / "bin" / "python"

# Settings that would install the packages elsewhere, or constrain the versions of the lock.
_PIP_RESET: Final[Mapping[str, str | None]] = {
    **{"PIP_USER": "0", "PIP_CONSTRAINT": os.devnull},
    **dict.fromkeys(("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIREMENT", "PIP_NO_BINARY", "PIP_DRY_RUN")),
}


def install(*, tests: bool) -> None:
    """Install the locked packages, and this distribution as editable.

    Args:
        tests: True for the test tools too, False for what the demo needs.
    """
    lock, project = LOCKS / ("test.lock" if tests else "demo.lock"), ROOT / "pyproject.toml"
    if PYTHON.exists() and (
        fresh("python-test", LOCKS / "test.lock", BOOTSTRAP, project)
        or (not tests and fresh("python-demo", lock, BOOTSTRAP, project))
    ):
        return
    if not PYTHON.exists():
        say("making a virtual environment")
        run("venv", sys.executable, "-m", "venv", VENV)
    say("installing the Python packages")
    install_lock(PYTHON, lock)
    uv = PYTHON.with_name("uv")
    run("gomaa", uv, "pip", "install", "--python", PYTHON, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    stamp("python-test" if tests else "python-demo", lock, BOOTSTRAP, project)


def install_lock(python: Path, lock: Path, bootstrap: Path = BOOTSTRAP) -> None:
    """Install exactly the files of a lock into an interpreter's environment.

    Args:
        python: Interpreter of a virtual environment that has pip 23.0 or newer.
        lock: Requirements with hashes, complete.
        bootstrap: Lock with uv.

    Raises:
        BuildError: A package is not available, or its hash differs from the lock's.
    """
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes")
    settings = _settings(python)
    run("python-bootstrap", *pip, "--only-binary=:all:", "-r", bootstrap, env=_PIP_RESET)
    uv = (
        python.with_name("uv"),
        "pip",
        "install",
        "--python",
        python,
        "--no-deps",
        "--no-build-isolation",
        "--compile-bytecode",
    )
    run("python-packages", *uv, "--require-hashes", "-r", lock, env=uv_environment(settings, os.environ))


def _settings(python: Path) -> dict[str, str]:
    """Return pip's settings by name without section; later sections override earlier ones, as in pip."""
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in run("pip-config", python, "-m", "pip", "config", "list").splitlines():
        name, separator, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if separator and section in found:
            found[section][key] = str(ast.literal_eval(value))
    return found["global"] | found["install"] | found[":env:"]


def uv_environment(pip: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Translate pip's settings to uv's variables.

    Args:
        pip: pip's settings by name, e.g. ``index-url``.
        environment: Present variables; those of uv are kept.

    Returns:
        The variables to add. Further indexes may be tried for every package, since hashes decide what is taken.
    """
    folders, further = [], pip.get("extra-index-url", "").split()
    for place in pip.get("find-links", "").split():
        path = Path(unquote(urlsplit(place).path)) if place.startswith("file:") else Path(place).expanduser()
        if "://" in place and not place.startswith("file:"):
            folders.append(place)
        elif path.is_dir():
            folders.append(str(path))
    wanted = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(further),
        "UV_FIND_LINKS": ",".join(folders),
        "UV_NO_INDEX": "1" if pip.get("no-index", "").lower() in ("1", "true", "yes", "on") else "",
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": pip.get("timeout", pip.get("default-timeout", "")),
        "SSL_CERT_FILE": pip.get("cert", ""),
        "ALL_PROXY": pip.get("proxy", ""),
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    return {name: value for name, value in wanted.items() if value and name not in environment}
