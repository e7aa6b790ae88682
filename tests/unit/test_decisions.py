"""Form of ``docs/decisions/``."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"


def test_decisions_are_numbered_without_holes() -> None:
    """Each number from 1 on has one decision."""
    numbers = sorted(int(path.name[:4]) for path in FOLDER.glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_decision_begins_with_its_title() -> None:
    """The first line is a heading of the first level; one of the second follows."""
    for path in FOLDER.glob("*.md"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("# "), path.name
