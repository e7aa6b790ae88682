"""The licences of what others wrote and the extension ships, made from the packages themselves.

Standard library only.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any, Final

_LICENCE_FILE: Final = re.compile(r"(^|/)(LICEN[CS]E|COPYING)(\.\w+)?$", re.IGNORECASE)
_CLASSIFIED: Final = {"License :: OSI Approved :: MIT License": "MIT"}

# What a package's own folder doesn't say.
_PYTHON: Final = "https://docs.python.org/3/license.html"
_HOME: Final = {"mnemonic": "https://github.com/trezor/python-mnemonic"}
_WHERE: Final = {
    "pyodide": "Source and licence text: https://github.com/pyodide/pyodide and https://mozilla.org/MPL/2.0/",
    "qrcode-generator": "Copyright (c) 2009 Kazuhiko Arase. Licence text: https://opensource.org/license/mit",
}


@dataclass(frozen=True)
class Package:
    """One piece of others' work: name, version, SPDX expression, home page, and the licence's text or where it is."""

    name: str
    version: str
    licence: str
    home: str
    text: str


def parts(modules: Path, names: Iterable[str], wheels: Iterable[Path]) -> list[Package]:
    """Everything shipped: npm packages by name, Python wheels, and the Python that Pyodide is.

    Raises ValueError where a licence is unknown.
    """
    found = [
        *(_module(modules / name) for name in sorted(set(names))),
        *(_wheel(wheel) for wheel in sorted(wheels)),
        _python(modules),
    ]
    for part in found:
        if not part.licence or not part.text.strip():
            raise ValueError(f"{part.name} {part.version}: no licence found")
    return sorted(found, key=lambda part: part.name.lower())


def document(found: Iterable[Package]) -> str:
    """The text that is shipped: a list, then every licence."""
    found = list(found)
    head = "GoMAA is under the Apache License 2.0. It ships, unchanged, the work of others:"
    rows = [f"{part.name} {part.version}: {part.licence}, {part.home}" for part in found]
    blocks = [f"{'=' * 72}\n{part.name} {part.version}\n{'=' * 72}\n\n{part.text.strip()}" for part in found]
    return "\n\n".join([head, "\n".join(rows), *blocks]) + "\n"


def _module(folder: Path) -> Package:
    package: dict[str, Any] = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    repository = package.get("repository")
    address = repository.get("url", "") if isinstance(repository, dict) else str(repository or "")
    files = sorted(file for file in folder.iterdir() if _LICENCE_FILE.search(file.name))
    text = files[0].read_text(encoding="utf-8") if files else _WHERE.get(package["name"], "")
    home = re.sub(r"^git\+|\.git$", "", address) or str(package.get("homepage", ""))
    return Package(package["name"], package["version"], str(package.get("license", "")), home, text)


def _wheel(wheel: Path) -> Package:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" in name]
        facts = Parser().parsestr(archive.read(next(name for name in names if name.endswith("/METADATA"))).decode())
        texts = [archive.read(name).decode() for name in sorted(names) if _LICENCE_FILE.search(name)]
    return Package(str(facts["Name"]), str(facts["Version"]), _expression(facts), _home(facts), "\n\n".join(texts))


def _expression(facts: Message) -> str:
    classified = (_CLASSIFIED.get(line, "") for line in facts.get_all("Classifier", []))
    return str(facts["License-Expression"] or facts["License"] or next(filter(None, classified), ""))


def _home(facts: Message) -> str:
    return str(facts["Home-page"] or next(_addresses(facts), "") or _HOME.get(str(facts["Name"]), ""))


def _addresses(facts: Message) -> Iterator[str]:
    for wanted in ("homepage", "home", "repository", "source code"):
        for line in facts.get_all("Project-URL", []):
            label, _, address = str(line).partition(", ")
            if label.lower() == wanted:
                yield address


def _python(modules: Path) -> Package:
    info = json.loads((modules / "pyodide" / "pyodide-lock.json").read_text(encoding="utf-8"))["info"]
    return Package("CPython", info["python"], "PSF-2.0", "https://www.python.org", f"Licence text: {_PYTHON}")
