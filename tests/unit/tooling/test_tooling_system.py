"""A missing system part is installed as root with apt, else named with the command that helps."""

from __future__ import annotations

import pytest

from tooling import system


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Commands that would have run, on a machine that has a Part 'here' and lacks 'one' and 'two'."""
    parts = {
        "here": system.Part("here-package", "nothing", lambda: True),
        "one": system.Part("one-package", "the first thing", lambda: False),
        "two": system.Part("two-package two-headers", "the second thing", lambda: False),
    }
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(system, "PARTS", parts)
    monkeypatch.setattr(system, "run", lambda name, *command, env: ran.append(command))
    return ran


def machine(monkeypatch: pytest.MonkeyPatch, *, root: bool, apt: bool) -> None:
    monkeypatch.setattr(system.os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(system.shutil, "which", lambda name: f"/usr/bin/{name}" if apt else None)


def test_present_parts_run_nothing(commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, root=True, apt=True)
    system.system("here")
    assert commands == []


def test_root_on_debian_gets_the_packages(commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, root=True, apt=True)
    system.system("here", "one", "two")
    assert [command[:2] for command in commands] == [("apt-get", "update"), ("apt-get", "install")]
    assert commands[1][-3:] == ("one-package", "two-package", "two-headers")


@pytest.mark.parametrize(("root", "apt"), [(False, True), (True, False), (False, False)])
def test_everybody_else_is_told_what_to_install(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, root: bool, apt: bool
) -> None:
    machine(monkeypatch, root=root, apt=apt)
    with pytest.raises(system.BuildError) as failed:
        system.system("one", "two")
    assert str(failed.value).splitlines() == [
        "missing: one for the first thing; two for the second thing.",
        "Install with: sudo apt-get install one-package two-package two-headers",
    ]
    assert commands == []
