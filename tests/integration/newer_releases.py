"""Package indexes that have a newer release of everything."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

NEWER = "9999.0"


def wheel(folder: Path, name: str, version: str) -> Path:
    """Write a wheel that requires a package which no index has, with and without an extra."""
    stem = f"{name.replace('-', '_').replace('.', '_')}-{version}"
    file = folder / f"{stem}-py3-none-any.whl"
    asks = "Requires-Dist: no-such-package>=1\nProvides-Extra: toml\nRequires-Dist: no-such-package>=1; extra == 'toml'"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{asks}\n"
        )
        archive.writestr(
            f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return file


def python_index(folder: Path, names: Iterable[str]) -> Path:
    """Write a simple index (PEP 503) with a newer release of each package; return its folder."""
    for name in names:
        place = folder / name
        place.mkdir(parents=True)
        file = wheel(place, name, NEWER)
        (place / "index.html").write_text(
            f'<!DOCTYPE html>\n<html><body><a href="{file.name}">{file.name}</a></body></html>'
        )
    return folder


@contextmanager
def npm_registry(lock: Mapping[str, Any]) -> Iterator[str]:
    """Serve, on loopback, the locked releases of npm packages and a newer release of each, tagged ``latest``."""
    documents: dict[str, dict[str, Any]] = {}
    for place, entry in lock["packages"].items():
        name = entry.get("name") or place.rpartition("node_modules/")[2]
        if name and place:
            document = documents.setdefault(name, {"name": name, "dist-tags": {"latest": "9999.0.0"}, "versions": {}})
            for version in (entry["version"], "9999.0.0"):
                dist = {"tarball": f"http://127.0.0.1:9/{name}-{version}.tgz", "integrity": entry["integrity"]}
                document["versions"][version] = {**entry, "name": name, "version": version, "dist": dist}

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = documents.get(unquote(self.path.strip("/")))
            body = json.dumps(found or {"error": "not found"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
