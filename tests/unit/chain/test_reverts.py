"""Revert reasons that callers tell apart are those of the contracts' sources."""

from pathlib import Path

from chain.contracts import reverts

SOURCES = Path(__file__).parents[3] / "contracts"


def test_every_reason_is_one_of_the_contracts() -> None:
    """A reworded revert in a contract is noticed here, not by a relayer that no longer understands it."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.vy"))
    reasons = [value for name, value in vars(reverts).items() if name.isupper()]
    assert len(reasons) >= 3
    assert [reason for reason in reasons if f'"{reason}"' not in sources] == []
