"""What is shipped to each browser, and that the same sources give the same bytes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from base64 import b64decode
from pathlib import Path

import pytest

from extension import pack

TARGETS = sorted(pack.PACKAGES)
BASE = json.loads((pack.ROOT / "manifest.json").read_text())


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A bundle's folder with stand-ins for the large files."""
    for name in pack.BUNDLED:
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


@pytest.mark.parametrize("target", TARGETS)
def test_overlay_is_merged(target: str) -> None:
    """A browser's manifest is the common one, with its overlay's lists appended and its other keys set, and no overlay left."""
    merged = pack.manifest(target)
    overlay = BASE[f"x-{target}"]
    common = {key: value for key, value in BASE.items() if not key.startswith("x-")}
    assert not [key for key in merged if key.startswith("x-")]
    assert set(merged) == set(common) | set(overlay)
    for key, value in merged.items():
        if isinstance(value, list):
            assert value == common.get(key, []) + overlay.get(key, [])
        else:
            assert value == overlay.get(key, common.get(key))


def test_browsers_differ_where_they_must() -> None:
    """Only Chromium asks for offscreen documents, has a fixed key and rotates the frame's address; only Firefox has a page and an id."""
    chromium, firefox = pack.manifest("chromium"), pack.manifest("firefox")
    ids = json.loads((pack.ROOT / "native_host" / "ids.json").read_text())
    assert chromium["permissions"] == ["storage", "nativeMessaging", "offscreen"]
    assert firefox["permissions"] == ["storage", "nativeMessaging"]
    assert chromium["background"] == {"service_worker": "background/worker.js", "type": "module"}
    assert firefox["background"] == {"page": "background/firefox.html"}
    assert chromium["web_accessible_resources"][0]["use_dynamic_url"] is True
    assert "key" not in firefox
    assert "browser_specific_settings" not in chromium
    assert firefox["browser_specific_settings"]["gecko"]["id"] == ids["firefox"]


def test_key_gives_the_recorded_id() -> None:
    """Chromium's id is the first 16 bytes of the key's SHA-256, written in a … p; the host's manifest relies on it."""
    digest = hashlib.sha256(b64decode(BASE["x-chromium"]["key"])).hexdigest()[:32]
    assert (
        "".join(chr(ord("a") + int(digit, 16)) for digit in digest)
        == json.loads((pack.ROOT / "native_host" / "ids.json").read_text())["chromium"]
    )


@pytest.mark.parametrize("target", TARGETS)
def test_manifest_names_shipped_files(target: str, stand_in: Path) -> None:
    """Every file that the manifest names is shipped."""
    shipped = pack.files(stand_in)
    merged = pack.manifest(target)
    named = [*merged["icons"].values(), *merged["action"]["default_icon"].values(), merged["action"]["default_popup"]]
    named += [name for script in merged["content_scripts"] for name in script["js"]]
    named += [name for entry in merged["web_accessible_resources"] for name in entry["resources"]]
    named += [merged["background"].get("service_worker") or merged["background"]["page"]]
    assert not [name for name in named if name not in shipped]


def test_only_the_extension_is_shipped(stand_in: Path) -> None:
    """Python, types, the builder, drawings' sources and the list of ids stay home; the npm and Python parts come along."""
    shipped = pack.files(stand_in)
    assert not [name for name in shipped if name.endswith((".py", ".pyc", ".d.ts", ".mts", ".svg")) or "__pycache__" in name]
    assert not [name for name in shipped if name.startswith("bundle/")]
    assert {*pack.VENDORED, "pyodide/snapshot.bin.gz", "pyodide/python_stdlib.zip", "_locales/en/messages.json"} <= set(shipped)
    assert {Path(name).suffix for name in shipped} == {".css", ".gz", ".html", ".js", ".json", ".mjs", ".png", ".wasm", ".zip"}
    assert not [path for path in shipped.values() if not path.is_file()]


@pytest.mark.parametrize("target", TARGETS)
def test_package_is_reproducible(target: str, stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same tree packed in two places has one SHA-256, and entries are sorted, of one date and one mode."""
    packages = []
    for place in ("one", "two"):
        monkeypatch.setattr(pack, "DIST", tmp_path / place)
        packages.append(pack.pack(target, stand_in))
    assert packages[0] != packages[1]
    assert packages[0].read_bytes() == packages[1].read_bytes()
    with zipfile.ZipFile(packages[0]) as archive:
        entries = archive.infolist()
        assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
        assert {(entry.date_time, entry.external_attr) for entry in entries} == {((1980, 1, 1, 0, 0, 0), 0o100644 << 16)}
        assert json.loads(archive.read("manifest.json")) == pack.manifest(target)


def test_bundle_is_reproducible(tmp_path: Path) -> None:
    """The Python bundle made again is byte for byte the one that is shipped: no clock and no entropy of this machine is in it."""
    shipped = pack.make_bundle()
    site = tmp_path / "site"
    for wheel in sorted(pack.wheels().glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site, [n for n in archive.namelist() if ".dist-info/" not in n or n.endswith("METADATA")])
    again = tmp_path / "again"
    subprocess.run(["node", pack.SOURCE / "bundle" / "bundle.mjs", again, pack.ROOT / "pywallet", site], check=True, capture_output=True)
    for name in pack.BUNDLED:
        assert hashlib.sha256((again / name).read_bytes()).hexdigest() == hashlib.sha256((shipped / name).read_bytes()).hexdigest()
