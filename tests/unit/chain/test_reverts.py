"""Revert reasons that callers distinguish, against the contracts' sources."""

from pathlib import Path

from chain.contracts import reverts

SOURCES = Path(__file__).parents[3] / "contracts"


def test_every_reason_is_in_a_contract() -> None:
    """A reworded revert would not be recognised by its callers."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.vy"))
    reasons = [value for name, value in vars(reverts).items() if name.isupper()]
    assert len(reasons) >= 3
    assert [reason for reason in reasons if f'"{reason}"' not in sources] == []
