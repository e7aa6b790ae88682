"""The page that justifies the extension's rights names exactly the rights that the manifest asks for."""

from __future__ import annotations

import re

import pytest

from extension.pack import PACKAGES, ROOT, manifest

PAGE = ROOT / "docs" / "permissions.md"


def rights(target: str) -> set[str]:
    """What the packed manifest of a browser asks for, in the page's words."""
    m = manifest(target)
    assert "optional_permissions" not in m
    assert "optional_host_permissions" not in m
    assert "externally_connectable" not in m
    places = {place for script in m["content_scripts"] for place in script["matches"]}
    assert {place for entry in m["web_accessible_resources"] for place in entry["matches"]} <= places
    out = {*m["permissions"], *m["host_permissions"], *places}
    out |= {file for script in m["content_scripts"] for file in script["js"] + script.get("css", [])}
    out |= {f"world {script['js'][0]}" for script in m["content_scripts"] if script.get("world") == "MAIN"}
    out |= {file for entry in m["web_accessible_resources"] for file in entry["resources"]}
    if target == "chromium":
        return out | {"key"}
    gecko = m["browser_specific_settings"]["gecko"]
    return (
        out
        | {"browser_specific_settings.gecko.id"}
        | {f"data_collection_permissions: {one}" for one in gecko["data_collection_permissions"]["required"]}
    )


def lines(title: str) -> list[list[str]]:
    """The cells of the table under a title."""
    part = PAGE.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def named(target: str) -> set[str]:
    """What the page says that this browser's package asks for."""
    out: set[str] = set()
    for entry, browser, reason in lines("Requested"):
        assert len(reason) > 20, entry
        if browser in ("both", target.capitalize()):
            words = re.findall(r"`([^`]+)`", entry)
            out |= {f"world {words[0]}", *words} - {"MAIN"} if "MAIN" in words else set(words)
    return out


@pytest.mark.parametrize("target", sorted(PACKAGES))
def test_every_right_has_its_line_and_every_line_its_right(target: str) -> None:
    """Permissions, hosts, scripts, worlds, web-accessible files and ids: the page and each packed manifest agree."""
    assert named(target) == rights(target)


@pytest.mark.parametrize("target", sorted(PACKAGES))
def test_every_word_of_the_policy_has_its_line(target: str) -> None:
    """The content security policy is the page's table, directive for directive, with no unsafe word and no foreign
    code.
    """
    policy = [part.strip() for part in manifest(target)["content_security_policy"]["extension_pages"].split(";")]
    table = [
        word
        for entry, _ in lines("Content security policy of the extension's pages")
        for word in re.findall(r"`([^`]+)`", entry)
    ]
    assert sorted(policy) == sorted(table)
    words = {directive: sources for directive, *sources in (part.split() for part in policy)}
    assert words["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
    assert words["style-src"] == words["worker-src"] == words["default-src"] == words["img-src"] == ["'self'"]
    assert "'unsafe-inline'" not in " ".join(policy)


def test_what_is_not_requested_is_absent() -> None:
    """The rights that the page says are absent are in no packed manifest."""
    absent = set(re.findall(r"`([a-zA-Z_<>-]+)`", PAGE.read_text().split("## Not requested\n")[1]))
    assert {"tabs", "cookies", "scripting", "unsafe-eval"} <= absent
    for target in PACKAGES:
        text = str(manifest(target)).replace("'wasm-unsafe-eval'", "")
        assert not [word for word in absent if re.search(rf"(?<![a-z-]){re.escape(word)}(?![a-z-])", text)]
