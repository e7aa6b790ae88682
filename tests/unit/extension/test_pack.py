"""What is shipped to each browser, and that the same sources give the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from base64 import b64decode
from pathlib import Path

import pytest

from extension import licences, pack

TARGETS = sorted(pack.PACKAGES)
BASE = json.loads((pack.ROOT / "manifest.json").read_text())


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A bundle's folder with stand-ins for the large files."""
    for name in pack.BUNDLED:
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


@pytest.mark.parametrize("target", TARGETS)
def test_no_content_script_file_is_named_twice(target: str) -> None:
    """Chromium runs a file once a frame, in the first world that names it; port.js is for one world alone."""
    named = [
        name
        for script in pack.manifest(target)["content_scripts"]
        for name in script["js"]
        if name != "content/port.js"
    ]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("target", TARGETS)
def test_overlay_is_merged(target: str) -> None:
    """A browser's manifest is the common one, with its overlay's lists appended and its other keys set, and no overlay
    left.
    """
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
    """Only Chromium asks for offscreen documents, has a fixed key and may stand in isolated pages.

    Only Firefox has a page and an id.
    """
    chromium, firefox = pack.manifest("chromium"), pack.manifest("firefox")
    ids = json.loads((pack.ROOT / "native_host" / "install" / "ids.json").read_text())
    assert chromium["permissions"] == ["storage", "nativeMessaging", "offscreen"]
    assert firefox["permissions"] == ["storage", "nativeMessaging"]
    assert chromium["background"] == {"service_worker": "background/worker.js", "type": "module"}
    assert firefox["background"] == {"page": "background/firefox.html"}
    # From a dynamic URL no Cross-Origin-Resource-Policy is served: isolated pages would keep the frame out.
    assert "use_dynamic_url" not in chromium["web_accessible_resources"][0]
    assert chromium["cross_origin_embedder_policy"] == {"value": "require-corp"}
    assert chromium["cross_origin_opener_policy"] == {"value": "same-origin"}
    assert not [name for name in firefox if name.startswith("cross_origin")]
    assert "key" not in firefox
    assert "browser_specific_settings" not in chromium
    assert firefox["browser_specific_settings"]["gecko"]["id"] == ids["firefox"]


def test_key_gives_the_recorded_id() -> None:
    """Chromium's id is the first 16 bytes of the key's SHA-256, written in a … p; the host's manifest relies on it."""
    digest = hashlib.sha256(b64decode(BASE["x-chromium"]["key"])).hexdigest()[:32]
    assert (
        "".join(chr(ord("a") + int(digit, 16)) for digit in digest)
        == json.loads((pack.ROOT / "native_host" / "install" / "ids.json").read_text())["chromium"]
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
    """Python, types, the builder, drawings' sources and the list of ids stay home.

    The npm and Python parts come along.
    """
    shipped = pack.files(stand_in)
    assert not [
        name for name in shipped if name.endswith((".py", ".pyc", ".d.ts", ".mts", ".svg")) or "__pycache__" in name
    ]
    assert not [name for name in shipped if name.startswith("bundle/")]
    assert {*pack.VENDORED, "pyodide/snapshot.bin.gz", "pyodide/python_stdlib.zip", "_locales/en/messages.json"} <= set(
        shipped
    )
    assert {Path(name).suffix for name in shipped} == {
        ".css",
        ".gz",
        ".html",
        ".js",
        ".json",
        ".mjs",
        ".png",
        ".txt",
        ".wasm",
        ".zip",
    }
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
        assert {(entry.date_time, entry.external_attr) for entry in entries} == {
            ((1980, 1, 1, 0, 0, 0), 0o100644 << 16)
        }
        assert json.loads(archive.read("manifest.json")) == pack.manifest(target)


def test_the_source_package_makes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reviewers get, alone in another folder with other dates, umask, locale and time zone, makes what is shipped,
    byte for byte.
    """
    monkeypatch.setattr(pack, "DIST", tmp_path / "dist")
    bundle = pack.make_bundle()
    shipped = {
        pack.PACKAGES[target]: hashlib.sha256(pack.pack(target, bundle).read_bytes()).hexdigest() for target in TARGETS
    }
    place = tmp_path / "review"
    with zipfile.ZipFile(pack.source()) as archive:
        archive.extractall(place)
    (place / "node_modules").symlink_to(pack.MODULES)
    shutil.copytree(pack.wheels(), place / ".cache" / "pyodide-wheels" / pack.wheels().name)
    for path in place.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (1_000_000_000, 1_000_000_000))
    elsewhere = {**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "7"}
    subprocess.run(
        [sys.executable, "-m", "extension.pack"], cwd=place, check=True, capture_output=True, env=elsewhere, umask=0o077
    )
    made = {name: hashlib.sha256((place / "dist" / name).read_bytes()).hexdigest() for name in shipped}
    assert made == shipped


@pytest.mark.parametrize("target", TARGETS)
def test_package_is_at_most_ten_mebibytes(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fan downloads stays within 10 MiB, and the compressed snapshot is not compressed again."""
    monkeypatch.setattr(pack, "DIST", tmp_path)
    package = pack.pack(target, pack.make_bundle())
    assert package.stat().st_size <= 10 << 20
    with zipfile.ZipFile(package) as archive:
        assert archive.getinfo("pyodide/snapshot.bin.gz").compress_type == zipfile.ZIP_STORED


def test_the_standard_library_has_what_may_be_imported_after_the_start() -> None:
    """The archive has the encodings and what functions of loaded modules import; loaded modules are in the snapshot."""
    with zipfile.ZipFile(pack.make_bundle() / "python_stdlib.zip") as archive:
        names = set(archive.namelist())
    assert {"encodings/idna.pyc", "encodings/latin_1.pyc", "_strptime.pyc", "stringprep.pyc"} <= names
    assert not names & {"asyncio/events.pyc", "typing.pyc", "pdb.pyc", "pydoc.pyc", "unittest/mock.pyc"}


def test_the_recorded_size_is_the_snapshots() -> None:
    """The Worker allocates the snapshot by the recorded size, before it is decompressed."""
    bundle = pack.make_bundle()
    size = len(gzip.decompress((bundle / "snapshot.bin.gz").read_bytes()))
    assert (bundle / "snapshot_size.mjs").read_text() == f"export const SNAPSHOT_BYTES = {size};\n"


def test_every_shipped_part_has_its_licence(stand_in: Path) -> None:
    """Each npm package, each wheel and Python itself is listed with a licence that allows to ship it, and its text."""
    text = pack.files(stand_in)["licences.txt"].read_text()
    npm = {"/".join(source.split("/")[: 2 if source.startswith("@") else 1]) for source in pack.VENDORED.values()}
    wheels = {wheel.name.split("-")[0].replace("_", "-") for wheel in pack.wheels().glob("*.whl")}
    listed = dict(re.findall(r"^(\S+) [\w.]+: ([\w.-]+), https?://", text, re.MULTILINE))
    assert {name.replace("_", "-") for name in listed} == npm | wheels | {"CPython"}
    assert set(listed.values()) <= {"MIT", "MPL-2.0", "BSD-3-Clause", "PSF-2.0"}
    assert text.count("=" * 72) == 2 * len(listed)
    assert "Permission is hereby granted" in text


def test_a_part_without_a_licence_is_refused(tmp_path: Path) -> None:
    """Nothing is shipped whose licence nobody knows."""
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "package.json").write_text('{"name": "odd", "version": "1.0.0"}')
    (tmp_path / "pyodide").symlink_to(pack.MODULES / "pyodide")
    with pytest.raises(ValueError, match=r"odd 1\.0\.0"):
        licences.parts(tmp_path, ["odd"], [])
