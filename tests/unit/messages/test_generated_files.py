"""Files that ``python -m messages.generate`` writes."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from messages.generate import docstrings, fields, files, markdown, schema
from messages.generate.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
TSC = ROOT / "node_modules" / ".bin" / "tsc"
STRICT = ["--noEmit", "--strict", "--noUncheckedIndexedAccess", "--target", "es2023", "--module", "preserve"]


def test_no_generated_file_is_stale() -> None:
    """Documentation, schema and types that differ from the structs fail here."""
    assert files.stale() == []


def test_check_names_a_stale_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A stale file that ``--check`` passed would be published."""
    expected = files.expected()
    monkeypatch.setattr(files, "expected", lambda: {**expected, files.TYPES: expected[files.TYPES] + "// more\n"})
    assert main(["--check"]) == 1
    assert capsys.readouterr().out == f"{files.TYPES} is stale: python -m messages.generate\n"


def test_a_page_without_one_of_its_blocks_is_refused() -> None:
    """A table that was deleted from the page would stay away unnoticed."""
    page = (ROOT / files.PAGE).read_text(encoding="utf-8")
    assert markdown.page(page) == page
    with pytest.raises(ValueError, match="host_server events"):
        markdown.page(page.replace("<!-- generated: host_server events -->\n", ""))


def test_each_field_of_a_message_is_described() -> None:
    """A field without a description would be an empty cell of the reference."""
    bare = [
        f"{name}.{field}"
        for name, definition in schema.schema()["$defs"].items()
        if not name.startswith("Signed")
        for field, about in definition["properties"].items()
        if "description" not in about and field not in ("id", "op", "event")
    ]
    assert bare == []


def test_each_reference_of_the_schema_has_a_definition() -> None:
    """A struct that is missing under ``$defs`` would make the schema unusable, one that nothing uses is forgotten."""
    text = json.dumps(schema.schema())
    used = set(re.findall(r'"#/\$defs/([^"]+)"', text))
    assert used == set(schema.schema()["$defs"])


def test_a_docstring_that_describes_no_field_is_refused() -> None:
    """The description of a renamed field would vanish from the reference."""

    class Renamed:
        """Summary.

        Attributes:
            former: A field of that name is no more.
        """

        current: int

    with pytest.raises(ValueError, match="former"):
        docstrings.of_class(Renamed)


def test_a_docstring_is_read_in_all_its_parts() -> None:
    """Continued lines, several paragraphs and code are kept."""
    read = docstrings.parse(
        """Does it.

        More of ``it``
        here.

        Attributes:
            one: First: with a colon, and
                continued.
            two: Second.
        """
    )
    assert read.paragraphs == ("Does it.", "More of `it` here.")
    assert read.attributes == {"one": "First: with a colon, and continued.", "two": "Second."}


def test_the_types_are_valid_and_have_no_any() -> None:
    """An unresolved name in a ``.d.ts`` is silently ``any`` for its users."""
    text = (ROOT / files.TYPES).read_text(encoding="utf-8")
    assert not re.search(r"\bany\b(?=[;\[\]>,|} ])", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    assert max(map(len, text.splitlines())) <= 120
    _tsc("--skipLibCheck", "false", str(ROOT / files.TYPES))


def test_the_types_refuse_wrong_fields() -> None:
    """Each ``@ts-expect-error`` of the example is an error, and nothing else is."""
    _tsc(str(Path(__file__).with_name("typed_requests.ts")))


def _tsc(*arguments: str) -> None:
    done = subprocess.run([TSC, *STRICT, "--types", "", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_types_of_one_form_keep_their_names() -> None:
    """A digest would be called a key, and a wrapped key a text, as their limits are equal."""
    names = [alias.name for alias in fields.aliases()]
    assert [fields.alias_of(alias.type).name for alias in fields.aliases()] == names  # type: ignore[union-attr]
