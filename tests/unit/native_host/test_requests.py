"""HTTP requests of the host and its libraries follow no redirect, and carry no cookie to the next request."""

from __future__ import annotations

import ast
from functools import cache

from demo.paths import ROOT

ROOMS = ("native_host", "chain", "pywallet")
METHODS = {"get", "post", "put", "request", "ws_connect", "head"}


@cache
def calls() -> tuple[tuple[str, str, ast.Call], ...]:
    """File, name and node of every call by attribute or name."""
    return tuple(
        (file.relative_to(ROOT).as_posix(), ast.unparse(node.func), node)
        for room in ROOMS
        for file in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    )


def _words(node: ast.Call) -> dict[str | None, str]:
    return {word.arg: ast.unparse(word.value) for word in node.keywords}


def test_every_web_session_keeps_no_cookie() -> None:
    """Each HTTP session has a ``DummyCookieJar``."""
    found = [
        (file, _words(node).get("cookie_jar", "")) for file, name, node in calls() if name.endswith("ClientSession")
    ]
    assert len(found) >= 4
    assert [file for file, jar in found if "DummyCookieJar" not in jar] == []


def test_every_request_follows_no_redirect() -> None:
    """Each HTTP request disables redirects; WebSockets use the one class that follows none."""
    asked = [
        (file, node)
        for file, name, node in calls()
        if name.rsplit(".", 1)[-1] in METHODS
        and name.split(".")[-2:-1] in (["session"], ["_session"], ["client"], ["http"])
    ]
    assert len(asked) >= 4
    for file, node in asked:
        assert _words(node).get("allow_redirects") == "False", file
    others = ("urlopen", "urlretrieve", "HTTPConnection", "HTTPSConnection")
    assert [file for file, name, _ in calls() if name.rsplit(".", 1)[-1] in others] == []
    assert [file for file, name, _ in calls() if name == "connect" or name.endswith("client.connect")] == []
