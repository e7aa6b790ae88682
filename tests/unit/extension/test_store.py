"""What the stores are told: within their limits, in every language, and of screens that exist."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from extension import pack


def module(name: str, path: Path) -> Any:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    made = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


STORE = module("store_make", pack.SOURCE / "store" / "make.py")


def test_every_language_has_its_texts() -> None:
    """Each locale of the extension has texts, and each keeps within what both stores take.

    Captions name the same screens.
    """
    assert set(STORE.LANGUAGES) == {folder.name for folder in (pack.SOURCE / "_locales").iterdir()}
    captions = [tuple(STORE.texts(language)["captions"]) for language in STORE.LANGUAGES]
    assert len(set(captions)) == 1
    assert 1 <= len(captions[0]) <= 5


def test_the_pictured_screens_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen that is renamed is missed here, not by a store."""
    monkeypatch.setattr(sys, "path", [str(pack.ROOT / "tests" / "ui_preview"), *sys.path])
    scenarios = module("store_scenarios", pack.ROOT / "tests" / "ui_preview" / "scenarios.py").scenarios
    for language, spoken in STORE.LANGUAGES.items():
        assert set(STORE.texts(language)["captions"]) <= set(scenarios(spoken))


@pytest.mark.parametrize(
    "change",
    [('name = "GoMAA"', 'name = ""'), ("summary = ", 'summary = "x" # '), ('name = "GoMAA"', f'name = "{"G" * 46}"')],
)
def test_a_text_a_store_would_refuse_is_refused_here(
    change: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too long, empty, or another than the manifest's."""
    (tmp_path / "en.toml").write_text((pack.SOURCE / "store" / "en.toml").read_text().replace(*change, 1))
    monkeypatch.setattr(STORE, "__file__", str(tmp_path / "make.py"))
    with pytest.raises(ValueError, match="en: "):
        STORE.texts("en")
